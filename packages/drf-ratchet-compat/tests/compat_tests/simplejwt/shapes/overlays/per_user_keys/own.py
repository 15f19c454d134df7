from keys.models import Key, new_key
from keys.tokens import Refresh

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    refresh_class = Refresh
    models = ("keys",)

    def user(self, name):
        user = super().user(name)
        Key.objects.create(user=user)
        return user

    def inside(self):
        first = self.sign_in("new key")
        tokens = self.refresh(first)
        Key.objects.filter(user__username="new key").update(text=new_key())
        for one in (first, tokens):
            assert self.refuses(one)
            assert not self.signed_in(one)
