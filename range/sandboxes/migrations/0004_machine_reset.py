"""Adds the reset of one machine."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sandboxes", "0003_spares"),
    ]

    operations = [
        migrations.AddField(
            model_name="machinestate",
            name="reset",
            field=models.CharField(
                blank=True,
                choices=[("WANTED", "Wanted"), ("UNDERWAY", "Under way")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="machinestate",
            name="end_reason",
            field=models.CharField(
                blank=True,
                choices=[("out-of-memory", "Out of memory"), ("reset-failed", "Reset failed")],
                max_length=16,
            ),
        ),
    ]
