"""How a post looks as JSON."""

from rest_framework import serializers

from blog.models import Post


class PostSerializer(serializers.ModelSerializer[Post]):
    """A post, with its author's name.

    The author cannot be written: a body that names one is not refused, the name is ignored.
    """

    author = serializers.CharField(source="author.get_username", read_only=True)

    class Meta:
        model = Post
        fields = ["id", "title", "body", "author", "created_at"]
