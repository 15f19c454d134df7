"""A user for services without a user table, made from a token's claims: ``USER = "claims"``."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from drf_ratchet.conf import ratchet_settings


class TokenUser:
    """The ``request.user`` of an access token's claims; it is not stored in a database.

    It has the attributes that views, permissions and throttles read of a user. It has no
    permissions and no groups.

    Args:
        claims: verified claims of an access token.
    """

    is_active = True
    is_anonymous = False
    is_authenticated = True

    def __init__(self, claims: Mapping[str, Any]) -> None:
        self.claims = claims
        settings = ratchet_settings()
        #: True if the claim that ``STAFF_CLAIM`` names is the JSON value true.
        self.is_staff = _is_true(claims, settings.STAFF_CLAIM)
        #: The same for ``SUPERUSER_CLAIM``. It grants no permissions by itself.
        self.is_superuser = _is_true(claims, settings.SUPERUSER_CLAIM)

    @property
    def id(self) -> str:
        """Return the ``sub`` claim: a string, whatever type of key the issuer's users have."""
        subject: str = self.claims["sub"]
        return subject

    @property
    def pk(self) -> str:
        """Return the ``sub`` claim, as ``id`` does."""
        return self.id

    @property
    def username(self) -> str:
        """Return the claim ``username``; "" if there is none."""
        name = self.claims.get("username")
        return name if isinstance(name, str) else ""

    def get_username(self) -> str:
        """Return ``username``, as Django's user models do."""
        return self.username

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Return False: permissions are in the issuer's database."""
        return False

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Return True only for an empty list of permissions."""
        return not list(perm_list)

    def has_module_perms(self, module: str) -> bool:
        """Return False, as ``has_perm`` does."""
        return False

    def get_user_permissions(self, obj: object = None) -> set[str]:
        """Return an empty set: permissions are in the issuer's database."""
        return set()

    def get_group_permissions(self, obj: object = None) -> set[str]:
        """Return an empty set: groups are in the issuer's database."""
        return set()

    def get_all_permissions(self, obj: object = None) -> set[str]:
        """Return an empty set, as ``get_user_permissions`` does."""
        return set()

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to save or delete the user, which has no table.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "A TokenUser has no table: it is made from an access token's claims. "
            "Change the user at the issuer."
        )

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
    # Truthy values are not enough: "false" and [0] are truthy.
    return name is not None and claims.get(name) is True
