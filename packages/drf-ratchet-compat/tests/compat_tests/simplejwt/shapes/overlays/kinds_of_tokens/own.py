from django.contrib.auth import get_user_model
from kinds.tokens import Invitation, Kiosk, Machine, Reset

from compat_tests.simplejwt.shapes.teller import Teller, Tokens


class Own(Teller):
    refresh_class = Kiosk

    def before(self):
        machine = Machine()
        machine["client"] = "a till"
        self.kept["machine"] = [self.ask_machine(str(machine))]
        self.kept["machine_used"] = [Tokens(str(machine), "")]
        self.kept["once"] = [
            Tokens(str(Invitation()), ""),
            Tokens(str(Reset.for_user(self.user("forgetful"))), ""),
        ]
        self.kept["spent"] = []
        self.spend("before")

    def inside(self):
        from drf_ratchet.models import Session

        count = Session.objects.count()
        self.go_on("inside")
        assert Session.objects.count() == count, "no device has signed in"

    def draining(self):
        self.go_on("draining")

    def outside(self):
        self.go_on("outside")

    def again(self):
        self.go_on("again")

    def go_on(self, stage):
        """Machines rotate; what is for one time is taken one time."""
        machine = self.kept["machine"][0]
        self.kept["machine"] = [self.ask_machine(machine.refresh)]
        self.kept["machine_used"].append(machine)
        for used in self.kept["machine_used"]:
            answer = self.post("/machine/refresh/", {"refresh": used.refresh})
            assert answer.status_code == 401
        self.spend(stage)

    def ask_machine(self, token):
        answer = self.post("/machine/refresh/", {"refresh": token})
        assert answer.status_code == 200, answer.data
        assert Machine(answer.data["refresh"])["client"] == "a till"
        return Tokens(answer.data["refresh"], answer.data["access"])

    def spend(self, stage):
        user = get_user_model().objects.get(username="forgetful")
        for path, text in (
            ("/invitation/", str(Invitation())),
            ("/reset/", str(Reset.for_user(user))),
        ):
            answer = self.post(path, {"token": text})
            assert (answer.status_code, answer.data) == (200, {"spent": True}), (stage, path)
            self.kept["spent"].append(Tokens(text, path))
        for text, path in self.kept["spent"]:
            assert self.post(path, {"token": text}).status_code == 400, (stage, path)
        if stage == "inside":
            for (text, _), path in zip(self.kept["once"], ("/invitation/", "/reset/"), strict=True):
                assert self.post(path, {"token": text}).data == {"spent": True}, path
