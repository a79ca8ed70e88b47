"""Refuses to edit or delete evidence: a correction is a new row that supersedes."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER assessment_evidence_append_only BEFORE UPDATE OR DELETE ON assessment_evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

BACKWARD = """
DROP TRIGGER assessment_evidence_append_only ON assessment_evidence;
"""


class Migration(migrations.Migration):
    dependencies = [("assessment", "0001_initial"), ("timeline", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
