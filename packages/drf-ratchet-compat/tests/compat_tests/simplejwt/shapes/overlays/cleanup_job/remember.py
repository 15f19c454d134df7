from datetime import timedelta

from rest_framework_simplejwt.serializers import TokenObtainPairSerializer


class RememberMe(TokenObtainPairSerializer):
    """A user may stay signed in for longer."""

    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        if user.username.startswith("remembered"):
            token.set_exp(lifetime=timedelta(days=90))
        return token
