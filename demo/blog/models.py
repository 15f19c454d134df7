"""The model of the blog."""

from django.conf import settings
from django.db import models


class Post(models.Model):
    """A post of one author."""

    title = models.CharField(max_length=200)
    body = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="posts"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # The id orders posts of the same instant. Without it, a post may be on two pages and
        # another one on none.
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="blog_post_newest")]

    def __str__(self) -> str:
        return self.title
