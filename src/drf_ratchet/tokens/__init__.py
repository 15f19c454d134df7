"""Claims to signed strings and back. No Django, no database, no request, no user model."""
