"""One view for each kind of asynchronous project. It says who is signed in, by name."""

from typing import Any

from adrf.views import APIView
from django.http import HttpRequest, JsonResponse
from django.urls import path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response

from drf_ratchet.authentication import ImmediateJWTAuthentication, JWTAuthentication, aauthenticate
from drf_ratchet.browser.authentication import CookieJWTAuthentication
from drf_ratchet.exceptions import RequestRefused
from drf_ratchet.ninja import AsyncJWTAuth, JWTAuth, respond_to_refusals


async def plain(request: HttpRequest, by: type[JWTAuthentication] = JWTAuthentication) -> Any:
    try:
        if await aauthenticate(request, by) is None:
            return JsonResponse({"code": "not_authenticated"}, status=401)
        user = await request.auser()
    except RequestRefused as refused:
        return JsonResponse(refused.detail, status=refused.status_code)
    return JsonResponse({"who": user.get_username(), "pk": request.user.pk})


class ADRFView(APIView):
    authentication_classes = (JWTAuthentication,)

    async def get(self, request: Request) -> Response:
        pk = request.user.pk
        return Response({"who": (await request.auser()).get_username(), "pk": pk})


class LooksItself(ADRFView):
    async def get(self, request: Request) -> Response:
        return Response({"who": request.user.get_username()})


api = NinjaAPI(auth=AsyncJWTAuth(), urls_namespace="ninja")
respond_to_refusals(api)


@api.get("/async")
async def in_coroutine(request: HttpRequest) -> Any:
    return {"who": (await request.auser()).get_username(), "pk": request.user.pk}


@api.get("/immediate", auth=AsyncJWTAuth(ImmediateJWTAuthentication))
async def immediate(request: HttpRequest) -> Any:
    return {"who": request.user.get_username(), "pk": request.user.pk}


@api.get("/sync", auth=JWTAuth())
def in_thread(request: HttpRequest) -> Any:
    return {"who": request.user.get_username(), "pk": request.auth["user_id"]}


urlpatterns = [
    path("plain/", plain),
    path("plain/immediate/", plain, {"by": ImmediateJWTAuthentication}),
    path("plain/cookie/", plain, {"by": CookieJWTAuthentication}),
    path("adrf/", ADRFView.as_view()),
    path("adrf/looks/", LooksItself.as_view()),
    path("ninja/", api.urls),
]
