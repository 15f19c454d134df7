"""The one backend of this project."""

from drf_ratchet_compat.simplejwt.backends import OurBackend

token_backend = OurBackend()
