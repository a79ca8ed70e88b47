"""Adds what instructors set for the tutor, their notes on hints, and where questions lie."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exercises", "0002_assigned_windows"),
        ("tutor", "0004_sources_of_others"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HintVector",
            fields=[
                (
                    "hint",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="vector",
                        serialize=False,
                        to="tutor.hint",
                    ),
                ),
                ("kind", models.CharField(max_length=64)),
                ("embedding", pgvector.django.vector.VectorField(dimensions=384)),
            ],
        ),
        migrations.CreateModel(
            name="HintNote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "hint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="tutor.hint",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TutorSettings",
            fields=[
                (
                    "exercise",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="tutor_settings",
                        serialize=False,
                        to="exercises.exercise",
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("ON", "On"), ("OFF", "Off"), ("ASSESSED", "On, and counted")],
                        default="ON",
                        max_length=8,
                    ),
                ),
                ("max_rung", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "tone",
                    models.CharField(
                        choices=[
                            ("friendly", "Friendly"),
                            ("brief", "Brief"),
                            ("encouraging", "Encouraging"),
                            ("formal", "Formal"),
                        ],
                        default="friendly",
                        max_length=12,
                    ),
                ),
                (
                    "sources",
                    models.CharField(
                        choices=[
                            ("all", "Everything the tutor knows"),
                            ("scenario", "Only what the scenario's author brought"),
                        ],
                        default="all",
                        max_length=8,
                    ),
                ),
                (
                    "left_out",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=160), blank=True, default=list
                    ),
                ),
                (
                    "avoid",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list
                    ),
                ),
                ("hints_per_hour", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("offers", models.BooleanField(default=True)),
                (
                    "model",
                    models.CharField(
                        choices=[
                            ("any", "The best one at hand"),
                            ("local", "Only one that runs on this range"),
                            ("none", "None: the author's hints and the sources"),
                        ],
                        default="any",
                        max_length=5,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "tutor settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("max_rung", None), ("max_rung__lte", 4), _connector="OR"
                        ),
                        name="tutor_settings_rung_at_most_4",
                    )
                ],
            },
        ),
    ]
