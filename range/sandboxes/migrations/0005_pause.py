"""Adds when somebody was at a sandbox, and since when it is paused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sandboxes", "0004_machine_reset"),
    ]

    operations = [
        migrations.AddField(
            model_name="sandbox",
            name="seen_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="sandbox",
            name="paused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
