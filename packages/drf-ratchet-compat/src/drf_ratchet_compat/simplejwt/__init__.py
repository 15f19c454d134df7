"""djangorestframework-simplejwt's public names at the same relative paths, over our sessions.

In a project's imports and dotted settings, ``rest_framework_simplejwt`` becomes
``drf_ratchet_compat.simplejwt``; ``SIMPLE_JWT`` is read as it is. See docs/migrating.md.
"""
