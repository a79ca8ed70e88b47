"""Adds of which end people were warned."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sandboxes", "0005_pause"),
    ]

    operations = [
        migrations.AddField(
            model_name="sandbox",
            name="expiry_told_for",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
