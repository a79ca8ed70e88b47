"""Refuses to edit or delete events: in the database, so that no code path can."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER timeline_event_append_only BEFORE UPDATE OR DELETE ON timeline_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION only_erase_payload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.event_id = OLD.event_id
        AND NEW.body = '{}'::jsonb AND NEW.erased_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an event payload can only be erased: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER timeline_eventpayload_only_erase BEFORE UPDATE OR DELETE ON timeline_eventpayload
    FOR EACH ROW EXECUTE FUNCTION only_erase_payload();
"""

BACKWARD = """
DROP TRIGGER timeline_eventpayload_only_erase ON timeline_eventpayload;
DROP FUNCTION only_erase_payload();
DROP TRIGGER timeline_event_append_only ON timeline_event;
DROP FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("timeline", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
