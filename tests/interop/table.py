"""What each algorithm comes to with each client: docs/services.md shows it, tests hold it true."""

from dataclasses import dataclass

from ratchet_tokens.algorithms import ALGORITHMS, HMAC_BYTES

YES, NO = "yes", "no"
SECRET = "with the secret"
#: RFC 9864's name is not known, and the older one is: the same signature.
AS_EDDSA = "as EdDSA"
NODE = "Node 24.7+"


@dataclass(frozen=True)
class Row:
    """An algorithm: for each client, whether it verifies our tokens, and we verify its."""

    pyjwt: tuple[str, str]
    jose: tuple[str, str]


_USUAL = Row((YES, YES), (YES, YES))
_HMAC = Row((SECRET, YES), (SECRET, YES))
_ML_DSA = Row((NO, NO), (NODE, NODE))

TABLE = {alg: _HMAC if alg in HMAC_BYTES else _USUAL for alg in ALGORITHMS}
TABLE["Ed25519"] = Row((NO, AS_EDDSA), (YES, YES))
TABLE |= dict.fromkeys((alg for alg in ALGORITHMS if alg.startswith("ML-DSA")), _ML_DSA)

HEADINGS = (
    "Algorithm",
    "PyJWT 2.15 verifies ours",
    "we verify PyJWT's",
    "jose 6.2 verifies ours",
    "we verify jose's",
)


def markdown() -> list[str]:
    """The lines of the table."""
    rows = [(f"`{alg}`", *row.pyjwt, *row.jose) for alg, row in TABLE.items()]
    return [f"| {' | '.join(cells)} |" for cells in (HEADINGS, ["---"] * len(HEADINGS), *rows)]
