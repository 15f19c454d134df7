"""Orders of whoever is signed in at the blog. `make demo-service` runs it."""

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
    """Fetch keys and the list of ended sessions for as long as the service runs."""
    with verifier:
        yield


# No /docs: its page loads scripts from another site.
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
    """For anyone: it runs."""
    return {"status": "ok"}


@app.get("/whoami")
async def whoami(claims: SignedIn) -> dict[str, str]:
    """What the token says of its holder."""
    return {"id": claims["sub"], "username": claims["username"], "role": claims["role"]}


@app.get("/orders")
async def orders(claims: SignedIn) -> dict[str, list[str]]:
    """Yours."""
    return {"orders": ORDERS.get(claims["username"], [])}
