from people.models import Person

from compat_tests.simplejwt.shapes.teller import PASSWORD, Teller, Tokens


class Own(Teller):
    models = ("people",)
    verify_path = "/auth/jwt/verify/"
    protected_path = "/auth/users/me/"

    def user(self, name):
        """Register, as a visitor does."""
        answer = self.post("/auth/users/", self.credentials(name))
        assert answer.status_code == 201, answer.data
        return Person.objects.get(pk=answer.data["id"])

    def credentials(self, name):
        return {"email": f"{name.replace(' ', '.')}@example.com", "password": PASSWORD}

    def sign_in(self, name):
        self.user(name)
        answer = self.post("/auth/jwt/create/", self.credentials(name))
        assert answer.status_code == 200, answer.data
        return Tokens(answer.data["refresh"], answer.data["access"])

    def post(self, path, data, *, access=""):
        headers = {"authorization": f"JWT {access}"} if access else {}
        return self.client.post(path, data, headers=headers)

    def ask_to_refresh(self, token):
        return self.post("/auth/jwt/refresh/", {"refresh": token})

    def signed_in(self, tokens):
        headers = {"authorization": f"JWT {tokens.access}"}
        answer = self.client.get(self.protected_path, headers=headers)
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    def inside(self):
        """djoser's views of the account: a new password, and the end of it."""
        tokens = self.refresh(self.sign_in("leaves"))
        asked = {"current_password": PASSWORD, "new_password": "another of 2026"}
        answer = self.post("/auth/users/set_password/", asked, access=tokens.access)
        assert answer.status_code == 204, answer.data
        tokens = self.refresh(tokens)
        answer = self.client.delete(
            "/auth/users/me/",
            {"current_password": "another of 2026"},
            headers={"authorization": f"JWT {tokens.access}"},
        )
        assert answer.status_code == 204, answer.data
        assert not self.signed_in(tokens)
        assert not self.by_hand(tokens.refresh)
