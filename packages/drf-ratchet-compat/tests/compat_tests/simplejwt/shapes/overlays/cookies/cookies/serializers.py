from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.serializers import TokenRefreshSerializer


class FromCookie(TokenRefreshSerializer):
    refresh = None

    def validate(self, attrs):
        attrs["refresh"] = self.context["request"].COOKIES.get("refresh")
        if not attrs["refresh"]:
            raise InvalidToken("No valid token in the cookie 'refresh'")
        return super().validate(attrs)
