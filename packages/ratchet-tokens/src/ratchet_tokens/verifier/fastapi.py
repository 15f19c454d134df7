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

#: The security scheme in OpenAPI, which gives FastAPI's docs an "Authorize" button.
_SCHEME = HTTPBearer(auto_error=False, bearerFormat="JWT", scheme_name="access token")


class Refused(HTTPException):
    """A request is refused.

    Args:
        refusal: the response.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status, refusal.content["detail"], refusal.headers)
        self.refusal = refusal


def signed_in(verifier: Verifier) -> Callable[..., Awaitable[Claims]]:
    """Return a dependency for the claims: ``Annotated[Claims, Depends(signed_in(verifier))]``.

    Without a valid access token the response is 401, or 503 if the token cannot be verified now.

    Args:
        verifier: the verifier of the tokens.
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


#: Pass ``FastAPI(exception_handlers=EXCEPTION_HANDLERS)`` for bodies with ``code`` and ``reason``,
#: as the issuer has them. Without it, bodies have FastAPI's ``detail`` only.
EXCEPTION_HANDLERS: dict[Any, Any] = {Refused: _answer}
