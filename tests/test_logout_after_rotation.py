"""The flow that the tutorial of simplejwt tests, and that fails there with rotation on.

The client logs out with the refresh token it signed in with, though a refresh has rotated it away
since. There the logout answers 400 and the session lives on.
"""

from django.contrib.auth.models import User
from rest_framework.test import APITestCase


class SignInRefreshLogout(APITestCase):
    def setUp(self) -> None:
        User.objects.create_user(username="tester", password="password123")

    def test_logout_with_the_rotated_refresh_token(self) -> None:
        credentials = {"username": "tester", "password": "password123"}
        signed_in = self.client.post("/api/token/", credentials)
        assert signed_in.status_code == 200
        access, old = signed_in.data["access"], signed_in.data["refresh"]

        with_access = {"HTTP_AUTHORIZATION": f"Bearer {access}"}
        assert self.client.get("/api/protected/", **with_access).status_code == 200

        refreshed = self.client.post("/api/token/refresh/", {"refresh": old})
        assert refreshed.status_code == 200
        access, new = refreshed.data["access"], refreshed.data["refresh"]
        assert new != old

        with_access = {"HTTP_AUTHORIZATION": f"Bearer {access}"}
        logout = self.client.post("/api/logout/", {"refresh": old}, **with_access)
        assert logout.status_code == 200
        assert logout.data == {"detail": "Logout successful."}

        for token in (old, new):
            refused = self.client.post("/api/token/refresh/", {"refresh": token})
            assert refused.status_code == 401
            assert refused.data["reason"] == "session_ended"
        assert self.client.get("/api/protected/", **with_access).status_code == 401
