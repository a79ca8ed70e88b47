"""Refuses to truncate events too, and lets a payload be erased once, with a signed tombstone."""

from django.db import migrations, models

# ENABLE ALWAYS: they fire in sessions that replay a replica's changes as well.
GUARDED = """
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {rows};
"""
UNGUARDED = """
DROP TRIGGER {table}_no_truncate ON {table};
ALTER TABLE {table} ENABLE TRIGGER {rows};
"""
ONCE = """
CREATE OR REPLACE FUNCTION only_erase_payload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.event_id = OLD.event_id AND OLD.erased_at IS NULL
        AND NEW.body = '{}'::jsonb AND NEW.erased_at IS NOT NULL AND NEW.tombstone IS NOT NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an event payload can only be erased, once, with a tombstone: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION only_erase_payload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.event_id = OLD.event_id
        AND NEW.body = '{}'::jsonb AND NEW.erased_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an event payload can only be erased: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""


def guard(table: str, rows: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        GUARDED.format(table=table, rows=rows), UNGUARDED.format(table=table, rows=rows)
    )


class Migration(migrations.Migration):
    dependencies = [("timeline", "0002_append_only")]
    operations = [
        migrations.AddField(
            model_name="eventpayload",
            name="tombstone",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.RunSQL(ONCE, BEFORE),
        guard("timeline_event", "timeline_event_append_only"),
        guard("timeline_eventpayload", "timeline_eventpayload_only_erase"),
    ]
