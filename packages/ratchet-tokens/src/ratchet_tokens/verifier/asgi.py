"""A middleware for any ASGI application: Starlette, Quart, Litestar, Django."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ratchet_tokens.bearer import bearer_token
from ratchet_tokens.claims import Claims
from ratchet_tokens.errors import Reason, TokenRefused, Unavailable
from ratchet_tokens.verifier.refusals import Refusal
from ratchet_tokens.verifier.verifier import Verifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class VerifierMiddleware:
    """Require a valid access token, and put its claims into ``scope["state"]["claims"]``.

    Without a valid token the response is 401, or 503 if the token cannot be verified now. A
    WebSocket is closed with code 1008 before it is accepted.

    Args:
        app: the application.
        verifier: the verifier of the tokens.
        optional: also allow requests without a token; their claims are None. Invalid tokens are
            still refused.
    """

    def __init__(self, app: App, verifier: Verifier, *, optional: bool = False) -> None:
        self.app = app
        self._verifier = verifier
        self._optional = optional

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it to the application."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        found = await claims_of(self._verifier, authorization(scope))
        if isinstance(found, Refusal):
            await _refuse(found, scope, receive, send)
        elif found is None and not self._optional:
            await _refuse(Refusal.no_token(), scope, receive, send)
        else:
            state = {**scope.get("state", {}), "claims": found}
            await self.app({**scope, "state": state}, receive, send)


def authorization(scope: Scope) -> list[bytes]:
    """Return the values of a request's Authorization headers."""
    return [value for name, value in scope["headers"] if name.lower() == b"authorization"]


async def claims_of(verifier: Verifier, headers: list[bytes]) -> Claims | Refusal | None:
    """Return the claims of a request, its refusal, or None if it has no token.

    Args:
        verifier: the verifier of the tokens.
        headers: the values of the request's Authorization headers.
    """
    try:
        # Of two headers, a proxy and the application might read different ones.
        if len(headers) > 1:
            raise TokenRefused(Reason.MALFORMED)
        token = bearer_token(headers[0]) if headers else None
        return None if token is None else await verifier.verify_async(token)
    except TokenRefused as refused:
        return Refusal.of(refused)
    except Unavailable:
        return Refusal.unavailable()


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.content["code"]})
        return
    body = refusal.body
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **refusal.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
