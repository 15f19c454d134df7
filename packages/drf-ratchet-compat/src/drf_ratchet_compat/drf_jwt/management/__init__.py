"""What is added to manage.py."""
