"""The blog as a Django application."""

from django.apps import AppConfig


class BlogConfig(AppConfig):
    """The blog: one model, four views, one page."""

    name = "blog"
