"""What drf-spectacular needs to know of our endpoints and authenticators.

Nothing to configure beyond drf-spectacular's own: where ``drf_spectacular`` is in
``INSTALLED_APPS``, our app loads ``extensions``, which names what it is about by dotted paths; the
rest is imported when a description is made.
"""
