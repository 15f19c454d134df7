"""Django's own hasher as it changes: each release does more iterations. Few of them, here.

Where a test needs a hasher that is newer than the suite's, and not the time that it takes.
"""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OfLastYear(PBKDF2PasswordHasher):
    iterations = 100


class OfThisYear(PBKDF2PasswordHasher):
    iterations = 200
