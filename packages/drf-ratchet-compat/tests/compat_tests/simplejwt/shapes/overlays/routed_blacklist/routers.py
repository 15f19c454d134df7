class Revoked:
    """simplejwt's two tables are in a database of their own."""

    def db_for_read(self, model, **hints):
        return "revoked" if model._meta.app_label == "token_blacklist" else "default"

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints):
        return True
