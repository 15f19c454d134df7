"""The server of scripted faults finds the clients out that do not do what they must."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from callers import PASSWORD, Scene

pytestmark = pytest.mark.any_database


class Careless:
    """A client that does what it is told, right or wrong."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.keys = 0
        self.sign_in()

    def ask(self, path: str, body: Any = None, *, key: str = "", bearer: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.scene.base_url + path, content, headers)
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                return json.load(answer)
        except (OSError, ValueError):  # a refusal, silence, or no JSON
            return {}

    def sign_in(self, username: str = "alice") -> None:
        self.tokens = self.ask("token/", {"username": username, "password": PASSWORD})

    def get(self, path: str = "protected/") -> Any:
        return self.ask(path, bearer=self.tokens["access"])

    def refresh(self, *, key: str | None = None) -> None:
        self.keys += 1
        key = f"key-{self.keys}" if key is None else key
        new = self.ask("token/refresh/", {"refresh": self.tokens["refresh"]}, key=key)
        if "access" in new:
            self.tokens |= new


def refreshes_once_too_often(client: Careless) -> None:
    client.refresh()
    client.refresh()
    client.get()


def does_not_try_again(client: Careless) -> None:
    client.refresh()
    client.get()


def tries_again_with_another_key(client: Careless) -> None:
    client.refresh()
    client.refresh()


def tries_again_without_a_key(client: Careless) -> None:
    client.refresh(key="")
    client.refresh(key="")


def uses_one_key_for_two_tokens(client: Careless) -> None:
    client.refresh(key="mine")
    client.refresh(key="mine")


def refreshes_twice_at_once(client: Careless) -> None:
    threads = [threading.Thread(target=client.refresh, kwargs={"key": "one"}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.get()


def hammers(client: Careless) -> None:
    for _ in range(3):
        client.refresh(key="mine")
    client.get()


def repeats_for_ever(client: Careless) -> None:
    for _ in range(3):
        client.get()
        client.refresh()


def goes_on_with_the_old_token(client: Careless) -> None:
    client.refresh()
    client.get()


def takes_a_401_for_an_answer(client: Careless) -> None:
    client.get()


def follows_redirects(client: Careless) -> None:
    httpx.post(
        f"{client.scene.base_url}token/refresh/",
        json={"refresh": client.tokens["refresh"]},
        headers={"Idempotency-Key": "mine"},
        follow_redirects=True,
    )


def follows_redirects_with_its_password(client: Careless) -> None:
    body = {"username": "alice", "password": PASSWORD}
    httpx.post(f"{client.scene.base_url}token/", json=body, follow_redirects=True)


def takes_its_token_along(client: Careless) -> None:
    answer = httpx.get(f"{client.scene.base_url}protected/")
    bearer = {"Authorization": f"Bearer {client.tokens['access']}"}
    httpx.get(answer.headers["Location"], headers=bearer)


def sends_what_is_alices_as_bob(client: Careless) -> None:
    client.sign_in("bob")
    client.get("whose/alice/")


def forgets_its_refresh_token(client: Careless) -> None:
    client.scene.advance()
    client.refresh()
    client.get()
    client.scene.advance()
    client.get()


def only_forgets(client: Careless) -> None:
    client.tokens = {}


def goes_on_after_it_has_signed_out(client: Careless) -> None:
    client.ask("logout/", {"refresh": client.tokens["refresh"]})
    client.get()


def signs_out_once(client: Careless) -> None:
    client.ask("logout/", {"refresh": client.tokens["refresh"]})


def puts_its_token_into_an_address(client: Careless) -> None:
    client.ask(f"protected/?token={client.tokens['access']}")


def asks_nothing(client: Careless) -> None:
    """What does not even try is not right."""


Wrong = Callable[[Careless], None]
WRONG: list[tuple[str, Wrong, int]] = [
    ("healthy", refreshes_once_too_often, 3),
    ("healthy", tries_again_without_a_key, 1),
    ("healthy", uses_one_key_for_two_tokens, 1),
    ("healthy", puts_its_token_into_an_address, 13),
    ("many_at_once", refreshes_twice_at_once, 2),
    ("lost_answer", does_not_try_again, 3),
    ("lost_answer", tries_again_with_another_key, 1),
    ("lost_answer", tries_again_without_a_key, 3),
    ("lost_twice", tries_again_with_another_key, 1),
    ("cut_off", tries_again_with_another_key, 3),
    ("killed", tries_again_with_another_key, 1),
    ("server_behind", does_not_try_again, 5),
    ("server_ahead", does_not_try_again, 5),
    ("refused_early", takes_a_401_for_an_answer, 6),
    ("refused_always", repeats_for_ever, 6),
    ("step_up_wanted", repeats_for_ever, 7),
    ("html_401", does_not_try_again, 8),
    ("json_401", tries_again_with_another_key, 1),
    ("session_ended", goes_on_with_the_old_token, 9),
    ("busy", hammers, 10),
    ("throttled", hammers, 10),
    ("bad_gateway", does_not_try_again, 10),
    ("retry_after_hour", hammers, 10),
    ("silent", asks_nothing, 11),
    ("refresh_redirected", follows_redirects, 12),
    ("sign_in_redirected", follows_redirects_with_its_password, 12),
    ("resource_redirected", takes_its_token_along, 13),
    ("two_users", sends_what_is_alices_as_bob, 14),
    ("not_rotating", forgets_its_refresh_token, 15),
    ("signed_out", only_forgets, 16),
    ("signed_out", goes_on_after_it_has_signed_out, 16),
    ("sign_out_lost", signs_out_once, 16),
    ("html_200", tries_again_with_another_key, 1),
]


@pytest.mark.parametrize(
    ("name", "behave", "must"), WRONG, ids=[f"{name}-{each.__name__}" for name, each, _ in WRONG]
)
def test_a_client_that_does_not_do_what_it_must_is_found_out(
    scene: Callable[[str], Scene], name: str, behave: Wrong, must: int
) -> None:
    found = scene(name)
    behave(Careless(found))
    verdict = found.verdict()
    assert not verdict["ok"]
    assert must in {broken["must"] for broken in verdict["broken"]}, verdict


def test_every_scenario_finds_somebody_out(faults_address: str) -> None:
    assert {each["scenario"] for each in httpx.get(faults_address).json()} == {
        name for name, _, _ in WRONG
    }


def test_it_answers_others_than_its_clients_too(faults_address: str) -> None:
    for path in ("nothing/api/", "healthy/else", "healthy"):
        assert httpx.get(f"{faults_address}/{path}").status_code == 404
    for body in ("{", "[]", '{"seconds": "x"}'):
        answer = httpx.post(f"{faults_address}/healthy/advance", content=body)
        assert answer.status_code == 200
    for token in ("x", "x.y.z", "e30.e30.e30", "ü.ü.ü"):
        url = f"{faults_address}/healthy/api/token/refresh/"
        assert httpx.post(url, json={"refresh": token}).status_code == 401
