"""The how-to's URLs."""

from tests.docs.project import code_of

exec(compile(code_of("howto/allauth.md")["shop.urls"], "allauth.md", "exec"))
