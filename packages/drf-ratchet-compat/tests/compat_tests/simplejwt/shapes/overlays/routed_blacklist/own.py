from django.contrib.auth import get_user_model
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    def inside(self):
        self.sign_out_everywhere("everywhere")

    def draining(self):
        self.kept["gone"].append(self.sign_out_everywhere("everywhere at last"))
        assert OutstandingToken.objects.using("default").count() == 0
        assert BlacklistedToken.objects.using("revoked").count() > 0

    def sign_out_everywhere(self, name):
        tokens = self.refresh(self.refresh(self.sign_in(name)))
        assert self.post("/logout/everywhere/", {}, access=tokens.access).status_code == 205
        assert get_user_model().objects.filter(username=name).exists()
        assert not self.signed_in(tokens)
        assert not self.by_hand(tokens.refresh)
        assert self.refuses(tokens)
        return tokens
