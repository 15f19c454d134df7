"""The middleware and FastAPI's dependency: what they let in, and what everybody else is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from ratchet_tokens.claims import Claims
from ratchet_tokens.errors import Reason
from ratchet_tokens.verifier import Verifier
from ratchet_tokens.verifier.asgi import VerifierMiddleware
from ratchet_tokens.verifier.fastapi import EXCEPTION_HANDLERS, signed_in
from token_tests import forge
from verifier_tests.conftest import MakeVerifier
from verifier_tests.issuer import JWKS, Issuer

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

App = Callable[..., Awaitable[None]]
REALM = 'Bearer realm="api"'
INVALID = f'{REALM}, error="invalid_token"'


async def who(scope: Any, receive: Any, send: Any) -> None:
    """Says whose request it is."""
    claims = scope["state"]["claims"]
    body = (claims["sub"] if claims else "nobody").encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def middleware(verifier: Verifier) -> App:
    return VerifierMiddleware(who, verifier)


def fastapi(verifier: Verifier) -> App:
    app = FastAPI(exception_handlers=EXCEPTION_HANDLERS)

    @app.get("/")
    async def whoami(claims: Annotated[Claims, Depends(signed_in(verifier))]) -> str:
        return str(claims["sub"])

    return app


EACH = pytest.mark.parametrize("make", [middleware, fastapi])


def get(app: App, *authorization: str | bytes) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            headers = [
                (b"Authorization", one.encode() if isinstance(one, str) else one)
                for one in authorization
            ]
            return await client.get("/", headers=headers)

    return asyncio.run(ask())


@EACH
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_let_in(issuer: Issuer, verifier_of: MakeVerifier, make: Any, scheme: str) -> None:
    answer = get(make(verifier_of()), f"{scheme} {issuer.token()}")

    assert (answer.status_code, answer.text.strip('"')) == (200, "1")


@EACH
@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Token x", "bearertoken"])
def test_no_token(issuer: Issuer, verifier_of: MakeVerifier, make: Any, header: str | None) -> None:
    answer = get(make(verifier_of()), *([] if header is None else [header]))

    assert answer.status_code == 401
    assert answer.json() == {
        "detail": "Authentication credentials were not provided.",
        "code": "not_authenticated",
    }
    assert answer.headers["WWW-Authenticate"] == REALM
    assert not issuer.requests


@EACH
def test_refused(issuer: Issuer, verifier_of: MakeVerifier, make: Any) -> None:
    issuer.ended = [forge.SESSION]
    app = make(verifier_of(with_feed=True))
    good = issuer.token()
    head, payload, signature = good.split(".")
    refused = {
        f"Bearer {good}": Reason.SESSION_ENDED,
        f"Bearer {head}.{payload}.{signature[::-1]}": Reason.BAD_SIGNATURE,
        f"Bearer {issuer.token(exp=1)}": Reason.EXPIRED,
        f"Bearer {issuer.token(iss='x')}": Reason.WRONG_ISSUER,
        f"Bearer {issuer.token(aud='x')}": Reason.WRONG_AUDIENCE,
        **dict.fromkeys(("Bearer", "Bearer a b", "Bearer x", "Bearer ..."), Reason.MALFORMED),
    }
    for header, reason in refused.items():
        answer = get(app, header)
        assert answer.status_code == 401
        body = answer.json()
        assert (body["code"], body["reason"]) == ("token_not_valid", reason)
        assert body.keys() == {"detail", "code", "reason"}
        assert answer.headers["WWW-Authenticate"] == INVALID
    answer = get(app, b"Bearer \xff\xfe")
    assert (answer.status_code, answer.json()["reason"]) == (401, Reason.MALFORMED)


@EACH
def test_two_headers(issuer: Issuer, verifier_of: MakeVerifier, make: Any) -> None:
    answer = get(make(verifier_of()), f"Bearer {issuer.token()}", f"Bearer {issuer.token()}")

    assert (answer.status_code, answer.json()["reason"]) == (401, Reason.MALFORMED)


@EACH
def test_unreachable_issuer_gets_503(issuer: Issuer, verifier_of: MakeVerifier, make: Any) -> None:
    app, token = make(verifier_of()), issuer.token()
    issuer.stop()
    answer = get(app, f"Bearer {token}")

    assert answer.status_code == 503
    assert answer.json() == {
        "detail": "The server is busy. Try again in a moment.",
        "code": "busy",
    }
    assert answer.headers["Retry-After"] == "1"
    assert "WWW-Authenticate" not in answer.headers


def test_without_the_handlers(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    app = FastAPI(dependencies=[Depends(signed_in(verifier_of()))])
    app.get("/")(lambda: "in")
    answer = get(app, "Bearer x")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, INVALID)
    assert answer.json() == {"detail": "The token is malformed."}
    assert get(app, f"Bearer {issuer.token()}").json() == "in"


def test_the_schema_says_how_to_sign_in(verifier_of: MakeVerifier) -> None:
    app: Any = fastapi(verifier_of())
    assert app.openapi()["components"]["securitySchemes"]["access token"]["scheme"] == "bearer"


def test_optional(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    app = VerifierMiddleware(who, verifier_of(), optional=True)

    assert get(app).text == "nobody"
    assert get(app, f"Bearer {issuer.token()}").text == "1"
    assert get(app, "Bearer x").status_code == 401


def test_the_loop_is_not_held_up(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    """The first token waits for the keys while the loop runs other tasks."""
    app, token = middleware(verifier_of()), issuer.token()
    answered = asyncio.Event()

    async def run() -> tuple[httpx.Response, int]:
        loop, turns = asyncio.get_running_loop(), 0
        go_on = asyncio.Event()

        def hold(handler: Any) -> None:
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(5)
            issuer.misbehaves.clear()
            issuer._answer(handler)

        issuer.misbehaves[JWKS] = hold
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            headers = {"Authorization": f"Bearer {token}"}
            asked = asyncio.create_task(client.get("/", headers=headers))
            while not issuer.requests[JWKS]:
                await asyncio.sleep(0)
                turns += 1
            go_on.set()
            return await asked, turns

    answer, turns = asyncio.run(run())
    assert (answer.status_code, turns > 0, answered.is_set()) == (200, True, False)


class TestOtherScopes:
    def run(self, app: App, scope: dict[str, Any]) -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, str]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
        return sent

    def test_a_websocket(self, issuer: Issuer, verifier_of: MakeVerifier) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["state"])

        guarded = VerifierMiddleware(app, verifier_of())
        scope = {"type": "websocket", "headers": [], "state": {"mine": 1}}
        assert self.run(guarded, scope) == [
            {"type": "websocket.close", "code": 1008, "reason": "not_authenticated"}
        ]
        headers = [(b"authorization", f"Bearer {issuer.token()}".encode())]
        assert self.run(guarded, {**scope, "headers": headers}) == []
        assert (seen[0]["mine"], seen[0]["claims"]["sub"]) == (1, "1")
        assert scope["state"] == {"mine": 1}

    def test_the_lifespan(self, verifier_of: MakeVerifier) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope)

        self.run(VerifierMiddleware(app, verifier_of()), {"type": "lifespan"})
        assert seen == [{"type": "lifespan"}]
