from datetime import timedelta

from devices.models import Device
from django.core.management import call_command
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    models = ("devices",)

    def before(self):
        self.kept["phone"] = [self.sign_in("phone")]

    def inside(self):
        self.sign_devices_out("phone", "new phone")

    def draining(self):
        # As on plain simplejwt: the row is that of one token.
        self.kept["gone"] += self.sign_devices_out("last phone", rotations=0)

    def again(self):
        self.sign_devices_out("phone at last")

    def sign_devices_out(self, *names, rotations=3):
        """A device is signed out by its row, however often its token was rotated."""
        found = []
        for name in names:
            tokens = self.kept[name][0] if name in self.kept else self.sign_in(name)
            row = Device.objects.get(user__username=name).token
            OutstandingToken.objects.filter(pk=row.pk).update(
                expires_at=timezone.now() + timedelta(minutes=1)
            )
            for _ in range(rotations):
                tokens = self.refresh(tokens)
            call_command("flushexpiredtokens")
            assert self.signed_in(tokens)
            Device.objects.get(user__username=name).sign_out()
            assert not self.signed_in(tokens), name
            assert not self.by_hand(tokens.refresh), name
            assert self.refuses(tokens), name
            found.append(tokens)
        return found
