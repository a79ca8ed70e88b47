"""Keeps the reports of the nightly comparison of estimates."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0002_scenario_difficulties")]
    operations = [
        migrations.CreateModel(
            name="EstimateRebuild",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("people", models.PositiveIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("differing", models.PositiveIntegerField()),
                ("detail", models.JSONField(default=list)),
            ],
        ),
    ]
