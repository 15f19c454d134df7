"""The API of the blog."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from blog.answers import BAD_POST, CHANGED, DELETED, NOT_SIGNED_IN, NOT_THERE, READ
from blog.models import Post
from blog.serializers import MessageSerializer, PostSerializer
from drf_ratchet.browser.authentication import BrowsableAPIAuthentication
from drf_ratchet.permissions import IsOwner


class ProtectedView(APIView):
    """The smallest view there is behind the sign-in."""

    @extend_schema(responses={200: MessageSerializer, 401: NOT_SIGNED_IN})
    def get(self, request: Request) -> Response:
        """Answer whoever is signed in."""
        return Response({"message": "This is a protected view!"})


@extend_schema_view(get=extend_schema(responses={200: PostSerializer(many=True), 404: NOT_THERE}))
class PostListView(generics.ListAPIView[Post]):
    """All posts, newest first, for anyone."""

    # The author comes with the post: one query for the page, however many authors it shows.
    queryset = Post.objects.select_related("author")
    serializer_class = PostSerializer
    # No token is looked at, so one that has expired does not close a public page. The page says
    # who is signed in to it.
    authentication_classes = (BrowsableAPIAuthentication,)
    permission_classes = (AllowAny,)


@extend_schema_view(
    post=extend_schema(responses={201: PostSerializer, 400: BAD_POST, 401: NOT_SIGNED_IN})
)
class PostCreateView(generics.CreateAPIView[Post]):
    """A new post of whoever is signed in."""

    queryset = Post.objects.all()
    serializer_class = PostSerializer

    def perform_create(self, serializer: BaseSerializer[Post]) -> None:
        """Save the post as the caller's, whatever the body says."""
        serializer.save(author=self.request.user)


@extend_schema_view(
    get=extend_schema(responses=READ),
    put=extend_schema(responses=CHANGED),
    patch=extend_schema(responses=CHANGED),
    delete=extend_schema(responses=DELETED),
)
class PostDetailView(generics.RetrieveUpdateDestroyAPIView[Post]):
    """One post, for its author and for staff."""

    queryset = Post.objects.select_related("author")
    serializer_class = PostSerializer
    # IsAuthenticated comes first so that nobody learns which posts there are without signing in.
    permission_classes = (IsAuthenticated, IsOwner | IsAdminUser)
    owner_field = "author"
