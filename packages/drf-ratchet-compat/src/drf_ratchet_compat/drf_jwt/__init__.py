"""The names of djangorestframework-jwt 1.11 and drf-jwt 1.19, over sessions.

Put ``"drf_ratchet_compat.drf_jwt"`` into ``INSTALLED_APPS``, replace ``rest_framework_jwt`` by it
in imports and dotted settings, and migrate. ``docs/migrating.md`` says what differs.
"""

#: The release whose names these are.
VERSION = "1.19.2"
