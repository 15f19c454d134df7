"""The settings, outside of the project's folder; the keys are beside them."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from settings import *  # noqa: F403
from settings import INSTALLED_APPS, MIDDLEWARE, SIMPLE_JWT

PEM = serialization.Encoding.PEM
KEY_FILE = Path(__file__).with_name("key.pem")
if not KEY_FILE.exists():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    KEY_FILE.write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
key = serialization.load_pem_private_key(KEY_FILE.read_bytes(), None)
public = key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

INSTALLED_APPS += ["axes"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
MIDDLEWARE.append("axes.middleware.AxesMiddleware")
if os.environ.get("ALLAUTH"):
    INSTALLED_APPS += ["allauth", "allauth.account"]
    AUTHENTICATION_BACKENDS.append("allauth.account.auth_backends.AuthenticationBackend")
    MIDDLEWARE.append("allauth.account.middleware.AccountMiddleware")
AXES_FAILURE_LIMIT = 3
AXES_LOCKOUT_PARAMETERS = ["username"]
SIMPLE_JWT |= {
    "ALGORITHM": "RS256",
    "SIGNING_KEY": KEY_FILE.read_text(),
    "VERIFYING_KEY": public.decode(),
    "ISSUER": "https://id.example.com",
    "AUDIENCE": "https://api.example.com",
}
del key, public
