"""The links between allauth's Django sessions and ours."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("drf_ratchet", "0003_kept_session")]

    operations = [
        migrations.CreateModel(
            name="LinkedSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("session_key", models.CharField(editable=False, max_length=80, unique=True)),
                (
                    "session",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allauth_session",
                        to="drf_ratchet.session",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
    ]
