"""For other services: is this token good, end its session, and which sessions have ended.

``path("api/", include("drf_ratchet.services.urls"))`` gives ``introspect/``, ``revoke/`` and
``ended-sessions/`` to those that the setting ``SERVICE_SECRETS`` names.
"""
