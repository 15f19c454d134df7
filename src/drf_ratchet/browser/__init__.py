"""Sign-in for browsers, with the refresh token in a cookie that scripts cannot read.

``path("api/browser/", include("drf_ratchet.browser.urls"))`` gives ``login/``, ``refresh/``,
``logout/``, ``session/`` and ``step-up/``.
"""
