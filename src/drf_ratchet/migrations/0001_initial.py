"""The two tables."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import drf_ratchet.clock
import drf_ratchet.ids


def leave_room_in_the_page(apps: Any, schema_editor: Any) -> None:
    """On PostgreSQL, leave room in each page for the next version of a row.

    A refresh then updates in place (heap-only tuple) and touches no index.
    """
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name(apps.get_model("drf_ratchet", "Session")._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 85)")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CutOff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last_session", models.UUIDField(editable=False)),
                ("subject", models.CharField(default="", editable=False, max_length=255)),
                (
                    "announced_at",
                    models.DateTimeField(
                        db_default=drf_ratchet.clock.Now(),
                        db_index=True,
                        editable=False,
                    ),
                ),
            ],
            options={
                "verbose_name": "cut-off",
                "verbose_name_plural": "cut-offs",
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=drf_ratchet.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                        verbose_name="session",
                    ),
                ),
                (
                    "generation",
                    models.PositiveBigIntegerField(
                        default=1, editable=False, verbose_name="generation"
                    ),
                ),
                (
                    "rotates",
                    models.BooleanField(default=True, editable=False, verbose_name="rotates"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=drf_ratchet.clock.Now(),
                        editable=False,
                        verbose_name="signed in",
                    ),
                ),
                (
                    "auth_time",
                    models.DateTimeField(
                        db_default=drf_ratchet.clock.Now(),
                        editable=False,
                        verbose_name="proved identity",
                    ),
                ),
                (
                    "rotated_at",
                    models.DateTimeField(
                        db_default=drf_ratchet.clock.Now(),
                        editable=False,
                        verbose_name="last refreshed",
                    ),
                ),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="expires")),
                (
                    "ends_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="ends at the latest"
                    ),
                ),
                ("ended_at", models.DateTimeField(editable=False, null=True, verbose_name="ended")),
                ("announced_at", models.DateTimeField(db_index=True, editable=False, null=True)),
                (
                    "end_reason",
                    models.CharField(
                        default="", editable=False, max_length=32, verbose_name="reason of ending"
                    ),
                ),
                ("fingerprint", models.CharField(default="", editable=False, max_length=80)),
                (
                    "idempotency_key_hash",
                    models.CharField(default="", editable=False, max_length=64),
                ),
                (
                    "user_agent",
                    models.CharField(
                        default="", editable=False, max_length=200, verbose_name="user agent"
                    ),
                ),
                (
                    "ip",
                    models.GenericIPAddressField(editable=False, null=True, verbose_name="address"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="ratchet_sessions",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
            },
        ),
        migrations.RunPython(leave_room_in_the_page, migrations.RunPython.noop),
    ]
