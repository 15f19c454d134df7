import json

from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
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
        self.new_key()
        self.reuse_under_asgi()

    def reuse_under_asgi(self):
        """DRF rolls the request back; what it ended stays ended, whatever the server."""
        first = self.sign_in("under asgi")
        newest = self.refresh(self.refresh(first))
        for tokens in (first, newest):
            asked = json.dumps({"refresh": tokens.refresh}).encode()
            assert async_to_sync(status_under_asgi)("/token/refresh/", asked) == 401
        assert self.refuses(newest)
        assert not self.signed_in(newest)

    def new_key(self):
        first = self.sign_in("new key")
        tokens = self.refresh(first)
        Key.objects.filter(user__username="new key").update(text=new_key())
        for one in (first, tokens):
            assert self.refuses(one)
            assert not self.signed_in(one)


async def status_under_asgi(path, body):
    """Post JSON to the project as a server does; return the status."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    server = ApplicationCommunicator(get_asgi_application(), {**scope, "query_string": b""})
    await server.send_input({"type": "http.request", "body": body})
    answer = await server.receive_output(20)
    await server.receive_output(20)
    await server.wait(20)
    return answer["status"]
