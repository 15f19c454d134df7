from rest_framework_simplejwt.authentication import JWTAuthentication


class CookieAuthentication(JWTAuthentication):
    def authenticate(self, request):
        raw = request.COOKIES.get("access")
        if raw is None:
            return super().authenticate(request)
        token = self.get_validated_token(raw)
        return self.get_user(token), token
