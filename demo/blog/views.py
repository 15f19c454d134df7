"""The API views of the blog."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from blog.answers import BAD_POST, CHANGED, DELETED, NOT_SIGNED_IN, NOT_THERE, READ
from blog.models import Post
from blog.permissions import PasskeyToDelete
from blog.serializers import MessageSerializer, PostSerializer
from drf_ratchet.browser.authentication import BrowsableAPIAuthentication
from drf_ratchet.permissions import IsOwner


class ProtectedView(APIView):
    """A minimal view that requires a signed-in user."""

    @extend_schema(responses={200: MessageSerializer, 401: NOT_SIGNED_IN})
    def get(self, request: Request) -> Response:
        """Return a greeting to the signed-in user."""
        return Response({"message": "This is a protected view!"})


@extend_schema_view(get=extend_schema(responses={200: PostSerializer(many=True), 404: NOT_THERE}))
class PostListView(generics.ListAPIView[Post]):
    """List all posts, newest first, for anyone."""

    # One query fetches the posts of a page and their authors.
    queryset = Post.objects.select_related("author")
    serializer_class = PostSerializer
    # Access tokens in headers are ignored, so an expired one does not close a public page. The
    # browsable API still shows who is signed in.
    authentication_classes = (BrowsableAPIAuthentication,)
    permission_classes = (AllowAny,)


@extend_schema_view(
    post=extend_schema(responses={201: PostSerializer, 400: BAD_POST, 401: NOT_SIGNED_IN})
)
class PostCreateView(generics.CreateAPIView[Post]):
    """Create a post of the signed-in user."""

    queryset = Post.objects.all()
    serializer_class = PostSerializer

    def perform_create(self, serializer: BaseSerializer[Post]) -> None:
        """Save the post with the signed-in user as its author."""
        serializer.save(author=self.request.user)


@extend_schema_view(
    get=extend_schema(responses=READ),
    put=extend_schema(responses=CHANGED),
    patch=extend_schema(responses=CHANGED),
    delete=extend_schema(responses=DELETED),
)
class PostDetailView(generics.RetrieveUpdateDestroyAPIView[Post]):
    """Read, change or delete a post, as its author or as staff."""

    queryset = Post.objects.select_related("author")
    serializer_class = PostSerializer
    # IsAuthenticated first, so that anonymous clients cannot tell which posts exist.
    permission_classes = (IsAuthenticated, PasskeyToDelete, IsOwner | IsAdminUser)
    owner_field = "author"
