from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView


class Cookies:
    """Moves tokens from the body of an answer into cookies."""

    def finalize_response(self, request, response, *args, **kwargs):
        for name in ("refresh", "access"):
            if response.status_code == 200 and name in (response.data or {}):
                response.set_cookie(name, response.data.pop(name), httponly=True)
        return super().finalize_response(request, response, *args, **kwargs)


class SignIn(Cookies, TokenObtainPairView):
    pass


class Refresh(Cookies, TokenRefreshView):
    pass


class Logout(APIView):
    authentication_classes = permission_classes = []

    def post(self, request):
        response = Response(status=200)
        try:
            RefreshToken(request.COOKIES["refresh"]).blacklist()
        except (KeyError, TokenError):
            response.status_code = 400
        response.delete_cookie("refresh")
        response.delete_cookie("access")
        return response
