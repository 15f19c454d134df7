"""An app with user models that differ from Django's. Run by tests/test_custom_user.py."""
