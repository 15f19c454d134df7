import jwt
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.auth import get_user_model

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    def before(self):
        self.kept["locked"] = [self.sign_in("locked")]

    def inside(self):
        """axes locks an account's sign-in; its sessions go on."""
        assert jwt.get_unverified_header(self.kept["living"][0].refresh)["alg"] == "RS256"
        for _ in range(4):
            answer = self.post("/token/", {"username": "locked", "password": "wrong"})
            assert answer.status_code in (401, 403, 429)
        assert self.post("/token/", self.credentials("locked")).status_code != 200
        assert AccessAttempt.objects.count() == 1
        self.refresh(self.kept["locked"][0])

    def again(self):
        """Sign out by Django's own view, which axes writes down."""
        self.client.force_login(
            get_user_model().objects.get(username="living"), settings.AUTHENTICATION_BACKENDS[1]
        )
        self.client.logout()
        assert AccessLog.objects.exists()
