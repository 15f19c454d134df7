from people.models import Person
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken, UntypedToken

from compat_tests.simplejwt.shapes.teller import PASSWORD, Teller, Tokens


class Own(Teller):
    models = ("people",)

    def user(self, name):
        return Person.objects.create_user(f"{name.replace(' ', '.')}@example.com", PASSWORD)

    def credentials(self, name):
        return {"email": f"{name.replace(' ', '.')}@example.com", "password": PASSWORD}

    def before(self):
        """A token from the time when USER_ID_FIELD was the primary key."""
        token = RefreshToken()
        token["user_id"] = str(Person.objects.first().pk)
        self.kept["of_another_field"] = [Tokens(str(token), str(token.access_token))]
        self.meet_another_field()

    def inside(self):
        self.meet_another_field()
        person = Person.objects.get(email="living@example.com")
        assert self.claims(self.kept["living"][0])["user_id"] == str(person.public_id)

    def draining(self):
        self.meet_another_field()

    def meet_another_field(self):
        """No reader fails, and none lets it in."""
        tokens = self.kept["of_another_field"][0]
        for made in (RefreshToken, UntypedToken):
            try:
                made(tokens.refresh)
            except TokenError:
                raise AssertionError("simplejwt takes it by hand") from None
        assert self.ask_to_refresh(tokens.refresh).status_code in (400, 401)
        assert self.post("/token/blacklist/", {"refresh": tokens.refresh}).status_code in (400, 401)
