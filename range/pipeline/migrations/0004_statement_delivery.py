"""Remembers which attempts' statements the operator's learning record store has."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exercises", "0002_assigned_windows"),
        ("pipeline", "0003_estimate_rebuild"),
    ]
    operations = [
        migrations.CreateModel(
            name="StatementDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("next_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=200)),
                (
                    "attempt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="statement_delivery",
                        to="exercises.attempt",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("sent_at", None)),
                        fields=["next_at"],
                        name="delivery_waiting",
                    )
                ],
            },
        ),
    ]
