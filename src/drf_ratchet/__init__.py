"""JWT sign-in for Django REST framework: a session is a counter that only turns forward.

PYTEST_DONT_REWRITE: pytest, which finds a plugin in here, would warn where this is imported first.
"""

__version__ = "0.1.0"
