"""A service beside the blog, without Django and without users: it takes the blog's tokens."""
