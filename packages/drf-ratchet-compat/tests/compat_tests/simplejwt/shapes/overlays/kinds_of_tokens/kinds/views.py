from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import TokenError


class Once(APIView):
    """Spends a token; says whether it is spent by the time that the view answers."""

    authentication_classes = permission_classes = []
    token_class = None

    def post(self, request):
        try:
            self.token_class(request.data["token"]).blacklist()
        except TokenError:
            return Response(status=400)
        try:
            self.token_class(request.data["token"])
        except TokenError:
            return Response({"spent": True})
        return Response({"spent": False})
