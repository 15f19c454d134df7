"""The blog of the tutorials: anyone can read posts, and authors can change their own."""
