"""The one backend of this project."""

from drf_ratchet.compat.simplejwt.backends import OurBackend

token_backend = OurBackend()
