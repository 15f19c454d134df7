"""The blog of the tutorials: posts that anyone reads and their authors change."""
