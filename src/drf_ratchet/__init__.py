"""JWT sign-in for Django REST framework: a session is a counter that only turns forward."""

__version__ = "0.1.0"
