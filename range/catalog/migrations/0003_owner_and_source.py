import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_invitations"),
        ("catalog", "0002_allowed_image"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScenarioSource",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="source",
                        serialize=False,
                        to="catalog.scenarioversion",
                    ),
                ),
                ("files", models.JSONField()),
                ("contexts", models.JSONField(default=list)),
            ],
        ),
        migrations.AddField(
            model_name="scenario",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="scenarios",
                to="accounts.organisation",
            ),
        ),
    ]
