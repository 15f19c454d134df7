"""What the user models here share: a manager that makes users by whatever names them."""

from typing import Any

from django.contrib.auth.base_user import BaseUserManager


class UserManager(BaseUserManager[Any]):
    def create_user(self, *, password: str | None = None, **fields: Any) -> Any:
        user = self.model(**fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, **fields: Any) -> Any:
        return self.create_user(is_staff=True, is_superuser=True, **fields)
