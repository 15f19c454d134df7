"""Rows that must not be pruned yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("drf_ratchet", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="session",
            name="kept_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
