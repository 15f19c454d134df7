"""PyJWT and its PyJWKClient: our tokens, and its tokens with our keys."""

from pathlib import Path
from typing import Any

import jwt
import pytest
from jwt.utils import base64url_decode

from tests.interop.issuer import JWKS_PATH, issuer, shown
from tests.interop.table import AS_EDDSA, NO, TABLE

pytestmark = pytest.mark.any_database


class PyJWT:
    """As a service would use it, with its key set kept."""

    def __init__(self, address: str) -> None:
        uri = address + JWKS_PATH
        self.keys = jwt.PyJWKClient(uri, lifespan=0.5, cooldown_duration=0)

    def verifies(self, token: str, jwk: dict[str, Any]) -> bool:
        try:
            if jwk["kty"] == "oct":
                key: Any = base64url_decode(jwk["k"])
            else:
                key = self.keys.get_signing_key_from_jwt(token)
            jwt.decode(token, key, algorithms=[jwk["alg"]])
        except jwt.PyJWTError:
            return False
        return True

    def signs(self, claims: dict[str, Any], jwk: dict[str, Any]) -> str | None:
        alg = "EdDSA" if TABLE[jwk["alg"]].pyjwt[1] == AS_EDDSA else jwk["alg"]
        try:
            key = jwt.PyJWK({**jwk, "alg": alg})
        except jwt.PyJWTError:
            return None
        return jwt.encode(claims, key, headers={"typ": "at+jwt", "kid": jwk["kid"]})


@pytest.mark.full
@pytest.mark.starts
def test_the_table_is_true_of_pyjwt(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    # EdDSA is first: PyJWKClient takes no key set that has nothing for it.
    algorithms = sorted(TABLE, key=lambda alg: alg != "EdDSA")
    with django_db_blocker.unblock(), issuer(tmp_path, algorithms[0]) as server:
        found = shown(server, PyJWT(server.address), algorithms)
    assert found.keys() == TABLE.keys()
    for alg, (ours, its) in found.items():
        for cell, seen in zip(TABLE[alg].pyjwt, (ours, its), strict=True):
            with subtests.test(alg=alg, cell=cell):
                assert seen is (cell != NO)


def test_pyjwt_does_not_know_the_newer_name_of_eddsa() -> None:
    # When it does, the table and the advice beside it have to change.
    assert "EdDSA" in jwt.get_algorithm_by_name.__self__.get_algorithms()
    with pytest.raises(NotImplementedError):
        jwt.get_algorithm_by_name("Ed25519")
