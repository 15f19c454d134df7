"""django-otp, installed. Its apps want their own process."""
