from people.models import Person

from compat_tests.simplejwt.shapes.teller import PASSWORD, Teller


class Own(Teller):
    models = ("people",)

    def user(self, name):
        return Person.objects.create_user(f"{name.replace(' ', '.')}@example.com", PASSWORD)

    def credentials(self, name):
        return {"email": f"{name.replace(' ', '.')}@example.com", "password": PASSWORD}

    def inside(self):
        """A person of another address is another person: the session is not theirs."""
        assert self.claims(self.kept["living"][0])["sub"] == "living@example.com"
        tokens = self.refresh(self.sign_in("moves"))
        Person.objects.filter(email="moves@example.com").update(email="moved@example.com")
        assert not self.signed_in(tokens)
        self.user("moves")
        assert self.post("/token/blacklist/", {"refresh": tokens.refresh}).status_code == 200
        assert self.refuses(tokens)
