"""The serializers of posts and of the blog's other responses."""

from typing import Any

from rest_framework import serializers

from blog.models import Post


class PostSerializer(serializers.ModelSerializer[Post]):
    """A post, with its author's name.

    The author is read-only: an author in the request body is ignored.
    """

    author = serializers.CharField(source="author.get_username", read_only=True)

    class Meta:
        model = Post
        fields = ["id", "title", "body", "author", "created_at"]


class MessageSerializer(serializers.Serializer[Any]):
    """A response with a message."""

    message = serializers.CharField()


class ErrorSerializer(serializers.Serializer[Any]):
    """A response with an error."""

    detail = serializers.CharField()


class NotSignedInSerializer(ErrorSerializer):
    """A response to a request without a valid token."""

    code = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)
