from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import F
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    """``flushexpiredtokens`` runs every night."""

    def before(self):
        self.kept["flushed"] = [self.sign_in("flushed")]

    def inside(self):
        for name in ("flushed", "remembered"):
            tokens = self.kept[name][0] if name in self.kept else self.sign_in(name)
            for _ in range(3):
                tokens = self.refresh(tokens)
                self.nights_pass(name, days=5)
            self.revoke_all(name)
            assert not self.by_hand(tokens.refresh), name
            assert self.refuses(tokens), name
        self.remember_for_long()

    def draining(self):
        tokens = self.sign_in("flushed at last")
        for _ in range(3):
            tokens = self.refresh(tokens)
            self.nights_pass("flushed at last", days=5)
        assert self.log_out(tokens, "/token/blacklist/") == 200
        self.nights_pass("flushed at last", days=1)
        self.kept["gone"].append(tokens)

    def remember_for_long(self):
        """A token that lives for longer keeps its row for as long."""
        tokens = self.sign_in("remembered for long")
        self.nights_pass("remembered for long", days=30)
        tokens = self.refresh(tokens)
        self.revoke_all("remembered for long")
        assert not self.by_hand(tokens.refresh)

    def nights_pass(self, name, *, days):
        """The rows of a user are older; the job runs."""
        rows = OutstandingToken.objects.filter(user__username=name)
        rows.update(expires_at=F("expires_at") - timedelta(days=days))
        call_command("flushexpiredtokens")

    def revoke_all(self, name):
        user = get_user_model().objects.get(username=name)
        BlacklistedToken.objects.bulk_create(
            BlacklistedToken(token=token)
            for token in OutstandingToken.objects.filter(user=user, blacklistedtoken=None)
        )
