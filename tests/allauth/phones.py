"""An account adapter with phone numbers, as a project writes one. It sends no text message."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import User


class Phones(DefaultAccountAdapter):  # type: ignore[misc]
    """Keeps the number of a user in ``last_name``: "+" for a verified one, else "-"."""

    #: The codes that were sent.
    sent: list[str] = []

    def send_verification_code_sms(self, user: User, phone: str, code: str, **others: Any) -> None:
        self.sent.append(code)

    def set_phone(self, user: User, phone: str, verified: bool) -> None:
        user.last_name = f"{'+' if verified else '-'}{phone}"
        user.save(update_fields=["last_name"])

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        return (user.last_name[1:], user.last_name[0] == "+") if user.last_name else None

    def set_phone_verified(self, user: User, phone: str) -> None:
        self.set_phone(user, phone, True)

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(last_name__in=(f"+{phone}", f"-{phone}")).first()
