"""Run the provider: prepare its database, print its URL and its users, and become the server.

    PORT=8002 BLOG=http://127.0.0.1:8000 python demo/provider/serve.py

It has no other use than to sign in to the demo.
"""
# ruff: noqa: E402 -- the folder of the imported modules must be known first

import os
import sys
from pathlib import Path

DEMO_DIR = Path(__file__).resolve().parent.parent
# Python puts the folder of the script there, whose serve.py is this file.
sys.path[0] = str(DEMO_DIR)

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from joserfc.jwk import RSAKey

from config.secret_key import secret_key
from provider import (
    APP_CLIENT,
    APP_REDIRECT_URIS,
    PASSWORD,
    USERS,
    VERIFIED,
    WEB_CLIENT,
    callback_of,
)
from serve import HOST, _check_free, _number


def main() -> None:
    """Serve the provider until it is stopped.

    Reads from the environment:

    - `PORT` (8002): the provider listens on the loopback interface alone.
    - `BLOG` (http://127.0.0.1:8000): the demo's address.
    - `DATA_DIR` (demo/var): the folder of its database and its secrets.
    - `CLIENT_SECRET`: the secret of the demo's server. Without it, the file
      `provider-client-secret` in `DATA_DIR` contains one, made at the first start.
    """
    port = _number("PORT", default=8002, highest=65535)
    blog = (os.environ.get("BLOG") or f"http://{HOST}:8000").rstrip("/")
    _check_free(port)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "provider.settings",
        "BLOG": blog,
        "OIDC_KEY": RSAKey.generate_key(2048).as_pem(private=True).decode(),
    }
    try:
        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        _create_users()
        _register_clients(blog)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    connections.close_all()
    print(f"The provider listens on http://{HOST}:{port}/, for the demo on {blog}/")
    for user in USERS:
        state = "verified" if user.verified else "NOT verified"
        print(f"  {user.username}: {user.email} ({state})")
    # exec throws away what is still in the buffer.
    print(f"The password is {PASSWORD}. Ctrl-C stops it.", flush=True)
    _become_gunicorn(port)


def _create_users() -> None:
    from django.contrib.auth.models import Group, User

    verified, _ = Group.objects.get_or_create(name=VERIFIED)
    for each in USERS:
        first, last = each.name.split()
        user, created = User.objects.get_or_create(
            username=each.username,
            defaults={"email": each.email, "first_name": first, "last_name": last},
        )
        if created:
            user.set_password(PASSWORD)
            user.save()
            user.groups.set([verified] if each.verified else [])


def _register_clients(blog: str) -> None:
    from oauth2_provider.models import Application

    from provider.settings import DATA_DIR

    secret = os.environ.get("CLIENT_SECRET") or secret_key(DATA_DIR / "provider-client-secret")
    for client_id, values in {
        WEB_CLIENT: {
            "name": "The demo",
            "client_type": Application.CLIENT_CONFIDENTIAL,
            "client_secret": secret,
            # A slow hash protects secrets that can be guessed. This one is random.
            "hash_client_secret": False,
            # The blog's page has passkeys at "localhost" alone.
            "redirect_uris": " ".join(
                callback_of(blog.replace(HOST, name)) for name in (HOST, "localhost")
            ),
        },
        APP_CLIENT: {
            "name": "The demo's app",
            "client_type": Application.CLIENT_PUBLIC,
            "client_secret": "",
            "hash_client_secret": False,
            "redirect_uris": " ".join(APP_REDIRECT_URIS),
        },
    }.items():
        Application.objects.update_or_create(
            client_id=client_id,
            defaults={
                **values,
                "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
                "algorithm": Application.RS256_ALGORITHM,
            },
        )


def _become_gunicorn(port: int) -> None:
    os.chdir(DEMO_DIR)  # gunicorn.conf.py, with all other options, is there
    command = [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"]
    # exec replaces this process, so that Ctrl-C reaches only the server.
    os.execv(sys.executable, [*command, f"--bind={HOST}:{port}", "--workers=1"])  # noqa: S606


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
