import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("sandboxes", "0002_machine_state"),
    ]

    operations = [
        migrations.AddField(
            model_name="sandbox",
            name="prepared",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="Spare",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("MAKING", "Being made"), ("READY", "Ready")],
                        default="MAKING",
                        max_length=6,
                    ),
                ),
                ("shape", models.CharField(blank=True, max_length=64)),
                ("handle", models.JSONField(blank=True, null=True)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spares",
                        to="catalog.scenarioversion",
                    ),
                ),
            ],
        ),
    ]
