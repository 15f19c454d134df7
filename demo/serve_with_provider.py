"""`make demo-provider`: run the blog, and an OpenID Connect provider that signs in to it."""

import os
import sys
from pathlib import Path

from config.secret_key import secret_key
from provider import PASSWORD, USERS
from serve import HOST
from serve_both import run_both, two_ports

DEMO_DIR = Path(__file__).resolve().parent


def main() -> int:
    """Run both until they are stopped, or one of them exits.

    Reads `PORT` (8000) and `PROVIDER_PORT` (8002) from the environment.
    """
    port, provider_port = two_ports("PROVIDER_PORT", default=8002)
    blog, provider = f"http://{HOST}:{port}", f"http://{HOST}:{provider_port}"
    secret = os.environ.get("CLIENT_SECRET") or secret_key(
        DEMO_DIR / "var" / "provider-client-secret"
    )
    shared = {**os.environ, "CLIENT_SECRET": secret}
    names = " or ".join(user.username for user in USERS)
    return run_both(
        (
            {**shared, "PORT": str(provider_port), "BLOG": blog},
            (str(DEMO_DIR / "provider" / "serve.py"),),
            f"{provider}/.well-known/openid-configuration",
        ),
        (
            {**shared, "PORT": str(port), "PROVIDER_URL": provider},
            (str(DEMO_DIR / "serve.py"),),
            f"{blog}/.well-known/jwks.json",
        ),
        f"On {blog}/ press “Continue with …”, and sign in at the provider as {names}.\n"
        f"The password there is {PASSWORD}. Ctrl-C stops both.",
    )


if __name__ == "__main__":
    sys.exit(main())
