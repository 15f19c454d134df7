from compat_tests.simplejwt.shapes.teller import Teller, Tokens


class Own(Teller):
    def holding(self, **cookies):
        self.client.cookies.clear()
        for name, value in cookies.items():
            self.client.cookies[name] = value

    def received(self, answer):
        assert answer.status_code == 200, answer.data
        assert not {"access", "refresh"} & answer.data.keys()
        return Tokens(*(answer.cookies[name].value for name in ("refresh", "access")))

    def sign_in(self, name):
        self.user(name)
        self.holding()
        return self.received(self.post("/token/", self.credentials(name)))

    def ask_to_refresh(self, token):
        # A browser sends both. An access token that has expired or ended does not matter here.
        self.holding(refresh=token)
        return self.post("/token/refresh/", {})

    def refresh(self, tokens):
        return self.received(self.ask_to_refresh(tokens.refresh))

    def log_out(self, tokens, path):
        self.holding(refresh=tokens.refresh, access=tokens.access)
        return self.post(path, {"refresh": tokens.refresh}).status_code

    def signed_in(self, tokens):
        self.holding(access=tokens.access)
        answer = self.client.get(self.protected_path)
        assert answer.status_code in (200, 401)
        return answer.status_code == 200
