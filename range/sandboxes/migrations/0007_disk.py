"""Adds disks that are nearly full, and machines that were stopped for a full one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sandboxes", "0006_expiry_warning"),
    ]

    operations = [
        migrations.AddField(
            model_name="machinestate",
            name="disk_low_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="machinestate",
            name="end_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("out-of-memory", "Out of memory"),
                    ("disk-full", "Disk full"),
                    ("reset-failed", "Reset failed"),
                ],
                max_length=16,
            ),
        ),
    ]
