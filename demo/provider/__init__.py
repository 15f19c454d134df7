"""The OpenID Connect provider that runs beside the demo. Its clients and users are here.

It is a Django project of its own, on django-oauth-toolkit. `serve.py` starts it.
"""

from dataclasses import dataclass

#: The provider's id at the demo, in allauth's settings and in the path of the callback.
PROVIDER_ID = "demo"
#: The demo's server, a confidential client.
WEB_CLIENT = "blog-web"
#: The demo's mobile app, a public client: an app cannot keep a secret (RFC 8252, section 8.5).
APP_CLIENT = "blog-app"
#: The addresses of the app that the system browser returns to (RFC 8252, sections 7.1 and 7.3).
#: Of a loopback address the port is not compared.
APP_SCHEME = "com.example.blog"
APP_REDIRECT_URIS = (f"{APP_SCHEME}:/signed-in", "http://127.0.0.1/signed-in")

PASSWORD = "provider-demo-1"
#: The group of the users whose address the provider has verified.
VERIFIED = "address verified"


@dataclass(frozen=True, slots=True)
class ProviderUser:
    """A user of the provider.

    Args:
        username: the name to sign in with.
        name: the full name.
        email: the address.
        verified: whether the provider has verified that the address is the user's.
    """

    username: str
    name: str
    email: str
    verified: bool


USERS = (
    ProviderUser("carol", "Carol Clark", "carol@example.com", verified=True),
    # The address of alice, who is a user of the demo. The demo must not believe this user.
    ProviderUser("mallory", "Mallory Moss", "alice@example.com", verified=False),
)


def callback_of(blog: str) -> str:
    """Return the address at the demo that a browser returns to.

    Args:
        blog: the demo's address, without a slash at its end.
    """
    return f"{blog}/accounts/oidc/{PROVIDER_ID}/login/callback/"
