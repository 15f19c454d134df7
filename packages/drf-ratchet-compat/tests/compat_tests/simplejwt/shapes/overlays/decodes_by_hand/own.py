from django.contrib.auth import get_user_model

from compat_tests.simplejwt.shapes.teller import Teller


class Own(Teller):
    protected_path = "/socket/"

    def before(self):
        self.read()
        self.log_out_in_plain("async before")

    def log_out_in_plain(self, name):
        tokens = self.sign_in(name)
        assert self.log_out(tokens, "/socket/logout/") == 200
        assert self.refuses(tokens)

    def inside(self):
        self.read()
        self.log_out_in_the_loop("async logout")

    def draining(self):
        self.read()
        self.kept["gone"].append(self.log_out_in_the_loop("async logout at last"))

    def outside(self):
        self.read()

    def log_out_in_the_loop(self, name):
        tokens = self.refresh(self.sign_in(name))
        assert self.log_out(tokens, "/socket/logout/") == 200
        assert not self.signed_in(tokens)
        assert self.refuses(tokens)
        return tokens

    def read(self):
        """The claims that consumers read are where they were."""
        user = get_user_model().objects.get(username="living")
        for token, kind in zip(self.kept["living"][0], ("refresh", "access"), strict=True):
            answer = self.client.get(
                "/socket/by-hand/", headers={"authorization": f"Bearer {token}"}
            )
            assert answer.json() == {"user": str(user.pk), "type": kind}
