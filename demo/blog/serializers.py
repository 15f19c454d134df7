"""How a post looks as JSON, and the other answers of the blog."""

from typing import Any

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


class MessageSerializer(serializers.Serializer[Any]):
    """A greeting."""

    message = serializers.CharField()


class ErrorSerializer(serializers.Serializer[Any]):
    """What is wrong."""

    detail = serializers.CharField()


class NotSignedInSerializer(ErrorSerializer):
    """What is wrong with the token, if there is one."""

    code = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)
