"""Leaves what is for everybody out of the indexes of a chunk's scope."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_agency_default"),
        ("tutor", "0006_halved_vectors"),
    ]

    operations = [
        migrations.AlterField(
            model_name="chunk",
            name="objective",
            field=models.SlugField(blank=True, db_index=False, max_length=64),
        ),
        migrations.AlterField(
            model_name="chunk",
            name="organisation",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
            ),
        ),
        migrations.AlterField(
            model_name="chunk",
            name="scenario",
            field=models.SlugField(blank=True, db_index=False),
        ),
        migrations.AddIndex(
            model_name="chunk",
            index=models.Index(
                condition=models.Q(("scenario", ""), _negated=True),
                fields=["scenario"],
                name="chunk_of_one_scenario",
            ),
        ),
        migrations.AddIndex(
            model_name="chunk",
            index=models.Index(
                condition=models.Q(("organisation__isnull", False)),
                fields=["organisation"],
                name="chunk_of_one_organisation",
            ),
        ),
    ]
