"""Sources that operators import and instructors give; questions that a chunk says it answers."""

import uuid

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def _words(*parts):
    vectors = [
        django.contrib.postgres.search.SearchVector(*names, config="english", weight=weight)
        for names, weight in parts
    ]
    expression = vectors[0]
    for vector in vectors[1:]:
        expression = django.contrib.postgres.search.CombinedSearchVector(
            expression, "||", vector, django.contrib.postgres.search.SearchConfig("english")
        )
    return models.GeneratedField(
        db_persist=True,
        expression=expression,
        output_field=django.contrib.postgres.search.SearchVectorField(),
    )


def _organisation():
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="accounts.organisation",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_invitations"),
        ("tutor", "0003_ratings_marks_and_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="origin",
            field=models.CharField(
                choices=[
                    ("ARTICLE", "The range's own articles"),
                    ("IMPORT", "Imported by an operator"),
                    ("UPLOAD", "Given by instructors"),
                ],
                default="ARTICLE",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="collection",
            field=models.CharField(blank=True, db_index=True, max_length=64),
        ),
        migrations.AddField(model_name="source", name="organisation", field=_organisation()),
        migrations.AddField(
            model_name="source",
            name="added_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(model_name="chunk", name="organisation", field=_organisation()),
        migrations.AddField(model_name="chunk", name="asks", field=models.TextField(blank=True)),
        migrations.RemoveIndex(model_name="chunk", name="chunk_words_gin"),
        migrations.RemoveField(model_name="chunk", name="words"),
        migrations.AddField(
            model_name="chunk",
            name="words",
            field=_words((("title", "asks"), "C"), (("heading",), "B"), (("text",), "D")),
        ),
        migrations.AddIndex(
            model_name="chunk",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["words"], name="chunk_words_gin"
            ),
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("version", models.CharField(max_length=32)),
                ("license", models.CharField(max_length=64)),
                ("url", models.CharField(blank=True, max_length=300)),
                ("scenario", models.SlugField(blank=True)),
                ("min_rung", models.PositiveSmallIntegerField(default=0)),
                ("spoils", models.BooleanField(default=False)),
                ("text", models.TextField()),
                ("given_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uploads",
                        to="tutor.source",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("min_rung__lte", 4)), name="upload_rung_at_most_4"
                    )
                ],
            },
        ),
    ]
