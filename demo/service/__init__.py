"""A service without Django and without users of its own, which accepts the blog's tokens."""
