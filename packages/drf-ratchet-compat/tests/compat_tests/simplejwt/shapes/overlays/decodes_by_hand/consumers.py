"""What a socket's handshake does: in the event loop, without DRF."""

import jwt
from django.conf import settings
from django.http import JsonResponse
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken


async def in_the_loop(request):
    try:
        token = AccessToken(request.headers["authorization"].removeprefix("Bearer "))
    except TokenError as error:
        return JsonResponse({"error": str(error)}, status=401)
    return JsonResponse({"user": token["user_id"]})


async def by_hand(request):
    text = request.headers["authorization"].removeprefix("Bearer ")
    try:
        claims = jwt.decode(text, settings.SECRET_KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        return JsonResponse({"error": str(error)}, status=401)
    return JsonResponse({"user": claims["user_id"], "type": claims["token_type"]})
