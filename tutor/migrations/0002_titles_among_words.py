"""Let searching for words see a source's title; it was known to vectors only."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

_FILL = """
UPDATE tutor_chunk SET title = tutor_source.title
FROM tutor_source WHERE tutor_source.id = tutor_chunk.source_id
"""


def _words(*parts):
    vectors = [
        django.contrib.postgres.search.SearchVector(name, config="english", weight=weight)
        for name, weight in parts
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


class Migration(migrations.Migration):
    dependencies = [("tutor", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="chunk",
            name="title",
            field=models.CharField(blank=True, default="", max_length=200),
            preserve_default=False,
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="chunk", name="chunk_words_gin"),
        migrations.RemoveField(model_name="chunk", name="words"),
        migrations.AddField(
            model_name="chunk",
            name="words",
            field=_words(("title", "C"), ("heading", "B"), ("text", "D")),
        ),
        migrations.AddIndex(
            model_name="chunk",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["words"], name="chunk_words_gin"
            ),
        ),
    ]
