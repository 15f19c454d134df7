"""The session that a cut-off leaves alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("drf_ratchet", "0002_kept_until")]

    operations = [
        migrations.AddField(
            model_name="cutoff",
            name="kept_session",
            field=models.UUIDField(editable=False, null=True),
        ),
    ]
