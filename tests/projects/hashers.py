"""Django's own hasher as it changes: each release does more iterations. Few of them, here."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OfLastYear(PBKDF2PasswordHasher):
    iterations = 100


class OfThisYear(PBKDF2PasswordHasher):
    iterations = 200
