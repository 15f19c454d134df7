"""What a socket's handshake does: in the event loop, without DRF."""

import jwt
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import JsonResponse
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken


async def in_the_loop(request):
    text = request.headers["authorization"].removeprefix("Bearer ")
    try:
        UntypedToken(text)
        token = AccessToken(text)
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


class AsyncLogout(APIView):
    """DRF in the event loop, as packages for async views have it."""

    authentication_classes = permission_classes = []

    @classmethod
    def as_view(cls, **kwargs):
        view = super().as_view(**kwargs)

        async def in_the_loop(request, *args, **kwargs):
            return await view(request, *args, **kwargs)

        in_the_loop.csrf_exempt = True
        return in_the_loop

    async def dispatch(self, request, *args, **kwargs):
        self.args, self.kwargs, self.headers = args, kwargs, self.default_response_headers
        self.request = self.initialize_request(request, *args, **kwargs)
        response = await self.post(self.request)
        return self.finalize_response(self.request, response, *args, **kwargs)

    async def post(self, request):
        await sync_to_async(lambda: RefreshToken(request.data["refresh"]).blacklist())()
        return Response({"detail": "Logout successful."})
