"""Adds what machines suffered."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sandboxes", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="MachineState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("machine", models.CharField(max_length=64)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[("out-of-memory", "Out of memory")],
                        max_length=16,
                    ),
                ),
                ("exit_code", models.IntegerField(blank=True, null=True)),
                ("out_of_memory_at", models.DateTimeField(blank=True, null=True)),
                (
                    "sandbox",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="machine_states",
                        to="sandboxes.sandbox",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("sandbox", "machine"), name="machine_state_one_per_machine"
                    )
                ],
            },
        ),
    ]
