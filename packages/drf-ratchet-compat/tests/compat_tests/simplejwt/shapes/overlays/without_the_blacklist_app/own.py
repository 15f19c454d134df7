from rest_framework_simplejwt.tokens import RefreshToken

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    lists = False

    def inside(self):
        assert not hasattr(RefreshToken, "blacklist")
