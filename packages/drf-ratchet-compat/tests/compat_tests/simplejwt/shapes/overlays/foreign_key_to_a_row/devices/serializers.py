from devices.models import Device
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken


class Obtain(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        row = OutstandingToken.objects.get(jti=token["jti"])
        Device.objects.create(user=user, token=row, name="a phone")
        return token
