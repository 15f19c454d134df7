"""The demo project: settings, URLs and the WSGI application."""
