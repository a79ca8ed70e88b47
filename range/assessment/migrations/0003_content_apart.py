"""Puts what evidence saw into a table of its own, which retention may erase, and guards both."""

import django.db.models.deletion
from django.db import migrations, models

COPY = """
INSERT INTO assessment_evidencecontent (evidence_id, detail, excerpt)
SELECT id, detail, excerpt FROM assessment_evidence;
"""
# Only the owner of the tables can do this, and only by saying so.
COPY_BACK = """
ALTER TABLE assessment_evidence DISABLE TRIGGER assessment_evidence_append_only;
UPDATE assessment_evidence e SET detail = c.detail, excerpt = c.excerpt
FROM assessment_evidencecontent c WHERE c.evidence_id = e.id;
ALTER TABLE assessment_evidence ENABLE TRIGGER assessment_evidence_append_only;
"""
GUARD = """
CREATE FUNCTION only_erase_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.evidence_id = OLD.evidence_id AND OLD.erased_at IS NULL
        AND NEW.detail = '{}'::jsonb AND NEW.excerpt = ''
        AND NEW.erased_at IS NOT NULL AND NEW.tombstone IS NOT NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what evidence saw can only be erased, once, with a tombstone: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER assessment_evidencecontent_only_erase
    BEFORE UPDATE OR DELETE ON assessment_evidencecontent
    FOR EACH ROW EXECUTE FUNCTION only_erase_content();
CREATE TRIGGER assessment_evidencecontent_no_truncate
    BEFORE TRUNCATE ON assessment_evidencecontent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER assessment_evidence_no_truncate BEFORE TRUNCATE ON assessment_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE assessment_evidence
    ENABLE ALWAYS TRIGGER assessment_evidence_append_only,
    ENABLE ALWAYS TRIGGER assessment_evidence_no_truncate;
ALTER TABLE assessment_evidencecontent
    ENABLE ALWAYS TRIGGER assessment_evidencecontent_only_erase,
    ENABLE ALWAYS TRIGGER assessment_evidencecontent_no_truncate;
"""
UNGUARD = """
ALTER TABLE assessment_evidence ENABLE TRIGGER assessment_evidence_append_only;
DROP TRIGGER assessment_evidence_no_truncate ON assessment_evidence;
DROP TRIGGER assessment_evidencecontent_no_truncate ON assessment_evidencecontent;
DROP TRIGGER assessment_evidencecontent_only_erase ON assessment_evidencecontent;
DROP FUNCTION only_erase_content();
"""


class Migration(migrations.Migration):
    dependencies = [("assessment", "0002_append_only"), ("timeline", "0003_tombstones")]
    operations = [
        migrations.CreateModel(
            name="EvidenceContent",
            fields=[
                (
                    "evidence",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="assessment.evidence",
                    ),
                ),
                ("detail", models.JSONField(default=dict)),
                ("excerpt", models.TextField(blank=True)),
                ("erased_at", models.DateTimeField(blank=True, null=True)),
                ("tombstone", models.JSONField(blank=True, null=True)),
            ],
        ),
        # Constraints that wait for the end of a transaction keep a table from being altered.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(COPY, COPY_BACK),
        migrations.RunSQL(migrations.RunSQL.noop, "SET CONSTRAINTS ALL IMMEDIATE"),
        migrations.RemoveField(model_name="evidence", name="detail"),
        migrations.RemoveField(model_name="evidence", name="excerpt"),
        migrations.AddField(
            model_name="evidence",
            name="content_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
