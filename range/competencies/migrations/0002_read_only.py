"""Makes framework editions read-only once sealed, in the database, whoever asks."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_sealed_framework() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed boolean;
BEGIN
    IF TG_TABLE_NAME = 'competencies_framework' THEN
        closed := OLD.sealed_at IS NOT NULL;
    ELSIF TG_TABLE_NAME = 'competencies_rolestatement' THEN
        SELECT bool_or(f.sealed_at IS NOT NULL) INTO closed
        FROM competencies_workrole r JOIN competencies_framework f ON f.id = r.framework_id
        WHERE r.id IN (CASE WHEN TG_OP = 'INSERT' THEN NEW.work_role_id ELSE OLD.work_role_id END,
                       CASE WHEN TG_OP = 'DELETE' THEN OLD.work_role_id ELSE NEW.work_role_id END);
    ELSE
        SELECT bool_or(f.sealed_at IS NOT NULL) INTO closed
        FROM competencies_framework f
        WHERE f.id IN (CASE WHEN TG_OP = 'INSERT' THEN NEW.framework_id ELSE OLD.framework_id END,
                       CASE WHEN TG_OP = 'DELETE' THEN OLD.framework_id ELSE NEW.framework_id END);
    END IF;
    IF closed THEN
        RAISE EXCEPTION '% belongs to a sealed framework: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
"""
BACKWARD = "DROP FUNCTION refuse_sealed_framework();"

TABLES = ["workrole", "statement", "rolestatement", "competencyarea", "crosswalk"]


def _guard(table: str, events: str) -> migrations.RunSQL:
    name = f"competencies_{table}"
    return migrations.RunSQL(
        f"CREATE TRIGGER {name}_sealed BEFORE {events} ON {name} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_sealed_framework();",
        f"DROP TRIGGER {name}_sealed ON {name};",
    )


class Migration(migrations.Migration):
    dependencies = [("competencies", "0001_initial")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        _guard("framework", "UPDATE OR DELETE"),
        *(_guard(table, "INSERT OR UPDATE OR DELETE") for table in TABLES),
    ]
