"""Add the authentication methods of a session: its column ``amr``."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("drf_ratchet", "0003_kept_session")]

    operations = [
        migrations.AddField(
            model_name="session",
            name="amr",
            field=models.CharField(
                db_default="",
                default="",
                editable=False,
                max_length=100,
                verbose_name="authentication methods",
            ),
        ),
    ]
