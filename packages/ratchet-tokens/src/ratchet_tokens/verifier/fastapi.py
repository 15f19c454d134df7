"""A dependency for FastAPI: ``pip install ratchet-tokens[fastapi]``."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import HTTPException, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ratchet_tokens.claims import Claims
from ratchet_tokens.verifier.asgi import authorization, claims_of
from ratchet_tokens.verifier.refusals import Refusal
from ratchet_tokens.verifier.verifier import Verifier

#: For the OpenAPI schema: the "Authorize" button of the docs.
_SCHEME = HTTPBearer(auto_error=False, bearerFormat="JWT", scheme_name="access token")


class Refused(HTTPException):
    """A request that is not let in.

    Args:
        refusal: how it is answered.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status, refusal.content["detail"], refusal.headers)
        self.refusal = refusal


def signed_in(verifier: Verifier) -> Callable[..., Awaitable[Claims]]:
    """A dependency whose value is the claims: ``Annotated[Claims, Depends(signed_in(verifier))]``.

    A request without a good access token is answered with 401, with 503 where nobody can know.

    Args:
        verifier: whose tokens count.
    """

    async def claims(
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_SCHEME)],
    ) -> Claims:
        found = await claims_of(verifier, authorization(request.scope))
        if found is None:
            found = Refusal.no_token()
        if isinstance(found, Refusal):
            raise Refused(found)
        return found

    return claims


async def _answer(request: Request, refused: Any) -> JSONResponse:
    refusal: Refusal = refused.refusal
    return JSONResponse(refusal.content, refusal.status, refusal.headers)


#: ``FastAPI(exception_handlers=EXCEPTION_HANDLERS)`` answers with the issuer's bodies, ``code`` and
#: ``reason`` too. Without it they hold FastAPI's ``detail`` alone; status and headers are the same.
EXCEPTION_HANDLERS: dict[Any, Any] = {Refused: _answer}
