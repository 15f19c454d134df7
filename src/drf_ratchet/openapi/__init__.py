"""Describe our endpoints and authenticators to drf-spectacular.

Nothing to configure beyond drf-spectacular's own: where ``drf_spectacular`` is in
``INSTALLED_APPS``, our app loads ``extensions``, which names what it is about by dotted paths; the
rest is imported when a description is made.
"""
