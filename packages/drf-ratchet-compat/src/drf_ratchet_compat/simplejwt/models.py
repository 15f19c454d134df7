"""``TokenUser``: who a request is from where there is no user table."""

from typing import TYPE_CHECKING, Any, NoReturn

from django.contrib.auth.models import Group, Permission
from django.db.models.manager import EmptyManager
from django.utils.functional import cached_property

from drf_ratchet_compat.simplejwt.settings import api_settings

if TYPE_CHECKING:
    from drf_ratchet_compat.simplejwt.base import Token


class TokenUser:
    """A user that is what a token says. Any other attribute is the claim of that name, or None.

    Args:
        token: a verified token.
    """

    is_active = True

    _groups = EmptyManager(Group)
    _user_permissions = EmptyManager(Permission)

    def __init__(self, token: "Token") -> None:
        self.token = token

    def __str__(self) -> str:
        return f"TokenUser {self.id}"

    @cached_property
    def id(self) -> Any:
        """The claim ``USER_ID_CLAIM``."""
        return self.token[api_settings.USER_ID_CLAIM]

    @cached_property
    def pk(self) -> Any:
        """As ``id``."""
        return self.id

    @cached_property
    def username(self) -> str:
        """The claim of that name; empty where there is none."""
        name: str = self.token.get("username", "")
        return name

    @cached_property
    def is_staff(self) -> bool:
        """The claim of that name; False where there is none."""
        staff: bool = self.token.get("is_staff", False)
        return staff

    @cached_property
    def is_superuser(self) -> bool:
        """The claim of that name; False where there is none."""
        superuser: bool = self.token.get("is_superuser", False)
        return superuser

    def __eq__(self, other: object) -> bool:
        return bool(self.id == other.id) if isinstance(other, TokenUser) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def save(self, *args: Any) -> NoReturn:
        """There is no table.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("Token users have no DB representation")

    delete = set_password = check_password = save

    @property
    def groups(self) -> Any:
        """None."""
        return self._groups

    @property
    def user_permissions(self) -> Any:
        """None."""
        return self._user_permissions

    def get_group_permissions(self, obj: object | None = None) -> set[str]:
        """None."""
        return set()

    def get_all_permissions(self, obj: object | None = None) -> set[str]:
        """None."""
        return set()

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """False."""
        return False

    def has_perms(self, perm_list: list[str], obj: object | None = None) -> bool:
        """False."""
        return False

    def has_module_perms(self, module: str) -> bool:
        """False."""
        return False

    @property
    def is_anonymous(self) -> bool:
        """False."""
        return False

    @property
    def is_authenticated(self) -> bool:
        """True."""
        return True

    def get_username(self) -> str:
        """As ``username``."""
        return self.username

    def __getattr__(self, attr: str) -> Any:
        if attr == "token":  # not set yet, as while it is copied
            raise AttributeError(attr)
        return self.token.get(attr, None)
