"""Register the blog in Django's admin."""

from django.contrib import admin

from blog.models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    """The admin of posts, newest first."""

    list_display = ["title", "author", "created_at"]
    list_select_related = ["author"]
    search_fields = ["title"]
    # A search field instead of a menu of all users.
    autocomplete_fields = ["author"]
