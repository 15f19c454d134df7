"""The URLs of the blog's API."""

from django.urls import path

from blog import views

urlpatterns = [
    path("protected/", views.ProtectedView.as_view(), name="protected"),
    path("posts/", views.PostListView.as_view(), name="post_list"),
    path("posts/create/", views.PostCreateView.as_view(), name="post_create"),
    path("posts/<int:pk>/", views.PostDetailView.as_view(), name="post_detail"),
]
