import django.contrib.postgres.indexes
import pgvector.django
from django.db import migrations
from django.db.models.functions import Cast


class Migration(migrations.Migration):
    dependencies = [
        ("tutor", "0005_teaching"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="chunk", name="chunk_embedding_hnsw"),
        migrations.AddIndex(
            model_name="chunk",
            index=pgvector.django.HnswIndex(
                django.contrib.postgres.indexes.OpClass(
                    Cast("embedding", pgvector.django.HalfVectorField(dimensions=384)),
                    name="halfvec_cosine_ops",
                ),
                ef_construction=64,
                m=16,
                name="chunk_embedding_hnsw",
            ),
        ),
        # Ranking reads the words of many rows; what else is long may lie elsewhere.
        migrations.RunSQL(
            "ALTER TABLE tutor_chunk ALTER COLUMN words SET STORAGE MAIN",
            "ALTER TABLE tutor_chunk ALTER COLUMN words SET STORAGE EXTENDED",
        ),
    ]
