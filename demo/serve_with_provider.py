"""`make demo-provider`: run the blog, and an OpenID Connect provider that signs in to it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from config.secret_key import secret_key
from provider import PASSWORD, USERS
from serve import HOST, _check_free, _number
from serve_both import SIGNALS, Stopped, _end, _start, _stop, _wait_for

DEMO_DIR = Path(__file__).resolve().parent
VAR_DIR = DEMO_DIR / "var"


def main() -> int:
    """Run both until they are stopped, or one of them exits.

    Reads `PORT` (8000) and `PROVIDER_PORT` (8002) from the environment.
    """
    port = _number("PORT", default=8000, highest=65535)
    provider_port = _number("PROVIDER_PORT", default=8002, highest=65535)
    if port == provider_port:
        sys.exit("PORT and PROVIDER_PORT must be different.")
    _check_free(port)
    _check_free(provider_port)
    blog, provider = f"http://{HOST}:{port}", f"http://{HOST}:{provider_port}"
    secret = os.environ.get("CLIENT_SECRET") or secret_key(VAR_DIR / "provider-client-secret")
    shared = {**os.environ, "CLIENT_SECRET": secret}
    of_blog = {**shared, "PORT": str(port), "PROVIDER_URL": provider}
    of_provider = {**shared, "PORT": str(provider_port), "BLOG": blog}
    for number in SIGNALS:
        signal.signal(number, _stop)
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(_start(of_provider, str(DEMO_DIR / "provider" / "serve.py")))
        _wait_for(f"{provider}/.well-known/openid-configuration", running)
        running.append(_start(of_blog, str(DEMO_DIR / "serve.py")))
        _wait_for(f"{blog}/.well-known/jwks.json", running)
        names = " or ".join(user.username for user in USERS)
        print(
            f"On {blog}/ press “Continue with …”, and sign in at the provider as {names}.",
            f"The password there is {PASSWORD}. Ctrl-C stops both.",
            sep="\n",
            flush=True,
        )
        while all(one.poll() is None for one in running):
            time.sleep(0.2)
        return 1
    except Stopped:
        return 0
    finally:
        _end(running)


if __name__ == "__main__":
    sys.exit(main())
