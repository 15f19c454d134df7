"""What people write around simplejwt."""

from accounts.serializers import SignInSerializer
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenObtainPairView


class SignIn(TokenObtainPairView):
    serializer_class = SignInSerializer

    def post(self, request, *args, **kwargs):
        response = super().post(request, *args, **kwargs)
        response["X-Signed-In"] = response.data["username"]
        return response


class Logout(APIView):
    token_class = RefreshToken

    def post(self, request):
        try:
            self.token_class(request.data["refresh"]).blacklist()
        except KeyError:
            return Response({"error": "refresh"}, status=400)
        except TokenError as error:
            return Response({"error": str(error)}, status=400)
        return Response({"detail": "Logout successful."})


class EverythingOut(APIView):
    def post(self, request):
        for token in OutstandingToken.objects.filter(user_id=request.user.id):
            BlacklistedToken.objects.get_or_create(token=token)
        return Response(status=205)


class Protected(APIView):
    def get(self, request):
        return Response(
            {
                "user": request.user.get_username(),
                "user_id": request.auth["user_id"],
                "role": request.auth.get("role"),
                "type": request.auth["token_type"],
            }
        )


class Stateless(APIView):
    authentication_classes = [JWTStatelessUserAuthentication]

    def get(self, request):
        user = request.user
        return Response({"id": user.id, "role": user.role, "staff": user.is_staff})
