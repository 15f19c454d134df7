"""A test client that signs in as a client of the project does."""

from typing import Any

from rest_framework import status
from rest_framework.test import APIClient, APITestCase

from drf_ratchet_compat.drf_jwt.settings import api_settings


class APIJWTClient(APIClient):
    """DRF's, signed in by a token."""

    def login(self, **credentials: Any) -> bool:
        """Sign in at ``/api-token-auth/``; tell whether it worked."""
        response = self.post("/api-token-auth/", credentials, format="json")
        # 1.19's own client waited for the 200 that 1.11 answered, and its login always failed.
        if response.status_code not in (status.HTTP_200_OK, status.HTTP_201_CREATED):
            return False
        prefix = api_settings.JWT_AUTH_HEADER_PREFIX
        self.credentials(HTTP_AUTHORIZATION=f"{prefix} {response.data['token']}")
        return True


class APIJWTTestCase(APITestCase):
    """DRF's, with that client."""

    client_class = APIJWTClient
