"""A service with the orders of the blog's users. `make demo-service` runs it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI

from ratchet_tokens.verifier import Claims, Verifier
from ratchet_tokens.verifier.fastapi import EXCEPTION_HANDLERS, signed_in

BLOG = os.environ.get("BLOG", "http://127.0.0.1:8000")
ORDERS = {"alice": ["A ratchet", "A pawl"], "bob": ["A wheel"]}

verifier = Verifier(
    BLOG,
    audience="orders",
    feed_url=f"{BLOG}/api/ended-sessions/",
    auth=("orders", os.environ["SERVICE_SECRET"]),
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Fetch keys and the list of ended sessions while the service runs."""
    with verifier:
        yield


# /docs is off, because its page loads scripts from another site.
app = FastAPI(
    title="Orders",
    lifespan=lifespan,
    docs_url=None,
    redoc_url=None,
    exception_handlers=EXCEPTION_HANDLERS,
)
SignedIn = Annotated[Claims, Depends(signed_in(verifier))]


@app.get("/health")
async def health() -> dict[str, str]:
    """Report that the service runs, without a token."""
    return {"status": "ok"}


@app.get("/whoami")
async def whoami(claims: SignedIn) -> dict[str, str]:
    """Return the claims about the user."""
    return {"id": claims["sub"], "username": claims["username"], "role": claims["role"]}


@app.get("/orders")
async def orders(claims: SignedIn) -> dict[str, list[str]]:
    """Return the orders of the signed-in user."""
    return {"orders": ORDERS.get(claims["username"], [])}
