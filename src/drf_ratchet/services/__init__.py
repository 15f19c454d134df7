"""Endpoints for other services: introspect a token, revoke a session, list ended sessions.

``path("api/", include("drf_ratchet.services.urls"))`` gives ``introspect/``, ``revoke/`` and
``ended-sessions/`` to the services that the setting ``SERVICE_SECRETS`` names.
"""
