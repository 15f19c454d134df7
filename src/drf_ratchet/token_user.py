"""Who a request is from, where there is no user table: ``USER = "claims"``."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from drf_ratchet.conf import ratchet_settings


class TokenUser:
    """A user that is what the access token says, for ``request.user``; nothing is stored.

    It answers what views, permissions and throttles ask of a user. It has no permissions and no
    groups.

    Args:
        claims: verified claims of an access token.
    """

    is_active = True
    is_anonymous = False
    is_authenticated = True

    def __init__(self, claims: Mapping[str, Any]) -> None:
        self.claims = claims
        settings = ratchet_settings()
        #: Staff where the claim that ``STAFF_CLAIM`` names is the JSON value true.
        self.is_staff = _is_true(claims, settings.STAFF_CLAIM)
        #: As ``is_staff``, by ``SUPERUSER_CLAIM``. It brings no permissions by itself.
        self.is_superuser = _is_true(claims, settings.SUPERUSER_CLAIM)

    @property
    def id(self) -> str:
        """The ``sub`` claim: a string, whatever the issuer's users have for a key."""
        subject: str = self.claims["sub"]
        return subject

    @property
    def pk(self) -> str:
        """As ``id``."""
        return self.id

    @property
    def username(self) -> str:
        """The claim of that name; empty where there is none."""
        name = self.claims.get("username")
        return name if isinstance(name, str) else ""

    def get_username(self) -> str:
        """As ``username``."""
        return self.username

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """False: permissions are in the issuer's database."""
        return False

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Whether nothing is asked for."""
        return not list(perm_list)

    def has_module_perms(self, module: str) -> bool:
        """False, as ``has_perm``."""
        return False

    def get_user_permissions(self, obj: object = None) -> set[str]:
        """None."""
        return set()

    def get_group_permissions(self, obj: object = None) -> set[str]:
        """None."""
        return set()

    def get_all_permissions(self, obj: object = None) -> set[str]:
        """None."""
        return set()

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """It cannot be.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("This user is an access token's claims; there is no table.")

    delete = save

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, TokenUser) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return self.username or self.id

    def __repr__(self) -> str:
        return f"<TokenUser {self.id}>"


def _is_true(claims: Mapping[str, Any], name: str | None) -> bool:
    # Not merely truthy: "false" and [0] are.
    return name is not None and claims.get(name) is True
