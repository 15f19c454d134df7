"""The blog in Django's admin."""

from django.contrib import admin

from blog.models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    """Posts, newest first."""

    list_display = ["title", "author", "created_at"]
    list_select_related = ["author"]
    search_fields = ["title"]
    # A field to search in, not a menu of every user there is.
    autocomplete_fields = ["author"]
