"""A login with claims of its own."""

from rest_framework_simplejwt.serializers import TokenObtainPairSerializer


class SignInSerializer(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token["email"] = user.email
        token["role"] = "admin" if user.is_staff else "user"
        return token

    def validate(self, attrs):
        return {**super().validate(attrs), "username": self.user.get_username()}
