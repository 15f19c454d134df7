from django.contrib.auth import get_user_model

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    protected_path = "/socket/"

    def before(self):
        self.read()

    def inside(self):
        self.read()

    def draining(self):
        self.read()

    def outside(self):
        self.read()

    def read(self):
        """The claims that consumers read are where they were."""
        user = get_user_model().objects.get(username="living")
        for token, kind in zip(self.kept["living"][0], ("refresh", "access"), strict=True):
            answer = self.client.get(
                "/socket/by-hand/", headers={"authorization": f"Bearer {token}"}
            )
            assert answer.json() == {"user": str(user.pk), "type": kind}
