"""A hasher that tells of each use, across processes."""

import os

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    """MD5, with one byte for each password hashed in the file that HASHED names."""

    def encode(self, password: str, salt: str) -> str:
        # One write of one byte, appended: no two processes overwrite each other's.
        file = os.open(os.environ["HASHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, b".")
        finally:
            os.close(file)
        return super().encode(password, salt)


class ShortHasher(MD5PasswordHasher):
    """MD5, for passwords of up to 72 bytes, as bcrypt takes them from its release 5.0 on."""

    def encode(self, password: str, salt: str) -> str:
        if len(password.encode()) > 72:
            raise ValueError("password cannot be longer than 72 bytes")
        return super().encode(password, salt)
