"""JWT authentication for Django REST framework, with a counter per session that detects theft.

PYTEST_DONT_REWRITE: this package contains a pytest plugin, and pytest warns if its assertions
cannot be rewritten because the package is already imported.
"""

__version__ = "0.1.0"
