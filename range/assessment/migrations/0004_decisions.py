"""Gives every decision on written work a row of its own, which nothing can change."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# What was decided before has no history but its end.
COPY = """
INSERT INTO assessment_decision
    (item_id, level, note, decided_by_id, decided_at, judge, proposed, unseen)
SELECT id, level, note, decided_by_id, decided_at, '', NULL, false
FROM assessment_reviewitem
WHERE state = 'DECIDED' AND level IS NOT NULL AND decided_by_id IS NOT NULL;
"""
GUARD = """
CREATE TRIGGER assessment_decision_append_only BEFORE UPDATE OR DELETE ON assessment_decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER assessment_decision_no_truncate BEFORE TRUNCATE ON assessment_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE assessment_decision
    ENABLE ALWAYS TRIGGER assessment_decision_append_only,
    ENABLE ALWAYS TRIGGER assessment_decision_no_truncate;
"""
UNGUARD = """
DROP TRIGGER assessment_decision_no_truncate ON assessment_decision;
DROP TRIGGER assessment_decision_append_only ON assessment_decision;
"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("assessment", "0003_content_apart"),
    ]
    operations = [
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("note", models.TextField(blank=True)),
                ("decided_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("judge", models.CharField(blank=True, max_length=120)),
                ("proposed", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("unseen", models.BooleanField()),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="assessment.reviewitem",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["item", "decided_at"], name="decision_by_item")],
            },
        ),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(COPY, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
