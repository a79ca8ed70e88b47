"""Evidence cannot be changed, shows where somebody did, and can be erased with a tombstone."""

import io
import os
import uuid
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from range.assessment import services
from range.assessment.evidence import evidence_of
from range.assessment.models import Evidence, EvidenceContent, ReviewItem
from range.assessment.provenance import ErasureRefused, erase_payloads, problems_of
from range.exercises.models import Attempt
from range.exercises.services import finish
from range.lib.embedded_postgres import ADMINISTRATOR, cluster
from range.timeline.models import Event, EventPayload
from range.timeline.services import broken_at, events_of, record

pytestmark = pytest.mark.django_db
TABLES = (
    "timeline_event",
    "timeline_eventpayload",
    "assessment_evidence",
    "assessment_evidencecontent",
    "assessment_decision",
)


STATEMENTS = [
    "UPDATE {0} SET {1} = {1}",
    "DELETE FROM {0}",
    "TRUNCATE {0} CASCADE",
    "WITH gone AS (DELETE FROM {0} RETURNING 1) SELECT count(*) FROM gone",
    "MERGE INTO {0} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "INSERT INTO {0} SELECT * FROM {0} LIMIT 1 ON CONFLICT ({1}) DO UPDATE SET {1} = EXCLUDED.{1}",
]


@pytest.fixture
def worked(attempt, handle, driver, hand_in, flag, close_hole, state_dir, instructor):
    """A graded attempt with evidence that shows excerpts, and typed commands."""
    record(attempt.pk, kind="console.command", actor="trainee:1", payload={"text": "cat diary"})
    hand_in(flag())
    hand_in("red", check="colour")
    finish(attempt.pk, reason="finished", actor="range")
    services.collect(attempt, driver)
    report = attempt.exercise.version.objectives.get(key="report")
    waiting = [
        ReviewItem.objects.create(
            attempt=attempt, objective=report, check_id="report", criterion=key, artefact="x"
        )
        for key in ("cause", "remedy")
    ]
    services.decide(waiting[0], person=instructor, level=1, note="")
    Attempt.objects.filter(pk=attempt.pk).update(state="GRADED")
    attempt.refresh_from_db()
    return attempt


def by_force(statement, *values):
    """Do what only the tables' owner could do, by switching the triggers off first."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        for table in TABLES:
            cursor.execute(f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{table}'::regclass "
                           "AND NOT tgisinternal")  # fmt: skip
            for (name,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def test_what_the_product_writes_verifies(worked):
    assert problems_of(worked) == []
    assert evidence_of(worked).count() >= 4


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("as_replica", [False, True])
def test_the_database_refuses_every_way_to_change_a_row(worked, table, statement, as_replica):
    key = {"timeline_eventpayload": "event_id", "assessment_evidencecontent": "evidence_id"}
    before = rows()
    with pytest.raises(DatabaseError, match=r"refused|permission denied"):
        attack(statement.format(table, key.get(table, "id")), as_replica=as_replica)
    assert rows() == before


@pytest.mark.django_db(transaction=True)
def test_the_administrator_of_the_database_is_refused_too(worked):
    """Also one who says that this is only a replica catching up, which silences most triggers."""
    address = cluster(Path(os.environ["RANGE_STATE_DIR"])).url(
        str(connection.settings_dict["NAME"]), role=ADMINISTRATOR
    )
    before = rows()
    with psycopg.connect(address, autocommit=True) as administrator:
        is_superuser = administrator.execute("SHOW is_superuser").fetchone()
        assert is_superuser == ("on",)
        administrator.execute("SET session_replication_role = replica")
        for table in TABLES:
            key = {"timeline_eventpayload": "event_id", "assessment_evidencecontent": "evidence_id"}
            for statement in STATEMENTS:
                with pytest.raises(psycopg.DatabaseError, match="refused"):
                    administrator.execute(statement.format(table, key.get(table, "id")))
    assert rows() == before


def attack(statement, *, as_replica):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if as_replica:
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)


def rows():
    models = (Event, EventPayload, Evidence, EvidenceContent)
    return [sorted(map(str, model.objects.values_list())) for model in models]


@pytest.mark.parametrize(("column", "value"), [
    ("outcome", "MET"), ("score", 0.123), ("reason", "other"), ("check_id", "other"),
    ("kind", "other"), ("source", "PERSON"), ("hint_rung", 3), ("grader_version", "9"),
    ("observed_at", "2020-01-01T00:00:00Z"), ("content_sha256", "0" * 64), ("sha256", "1" * 64),
    ("recording_offset_ms", 77),
])  # fmt: skip
def test_whatever_the_owner_rewrites_shows(worked, column, value):
    victim = worked.evidence.filter(outcome="UNMET").first()
    by_force(f"UPDATE assessment_evidence SET {column} = %s WHERE id = %s", value, victim.pk)
    assert any(str(victim.pk) in problem for problem in problems_of(worked))


def test_a_rewritten_record_with_a_fitting_digest_differs_from_its_event(worked):
    victim = worked.evidence.filter(outcome="UNMET").first()
    by_force("UPDATE assessment_evidence SET outcome = 'MET' WHERE id = %s", victim.pk)
    from range.assessment.evidence import record_of
    from range.timeline.canonical import digest

    victim.refresh_from_db()
    new = digest(record_of(victim))
    by_force("UPDATE assessment_evidence SET sha256 = %s WHERE id = %s", new, victim.pk)
    assert problems_of(worked) == [f"evidence {victim.pk} is not what its event recorded"]


def test_removed_and_smuggled_evidence_shows(worked):
    victim = worked.evidence.filter(superseded_by=None, supersedes=None).first()
    by_force("DELETE FROM assessment_evidencecontent WHERE evidence_id = %s", victim.pk)
    assert f"evidence {victim.pk} has lost what was seen" in problems_of(worked)
    by_force("DELETE FROM assessment_evidence WHERE id = %s", victim.pk)
    assert f"evidence {victim.pk} is missing" in problems_of(worked)
    victim.pk = uuid.uuid4()
    victim.save(force_insert=True)
    assert f"evidence {victim.pk} is in no event" in problems_of(worked)


def test_a_rewritten_excerpt_shows(worked):
    victim = EvidenceContent.objects.filter(evidence__attempt=worked).first()
    by_force(
        "UPDATE assessment_evidencecontent SET excerpt = 'x' WHERE evidence_id = %s", victim.pk
    )
    assert problems_of(worked) == [f"evidence {victim.pk} does not hold what was seen"]


def test_erasing_leaves_every_score_and_a_chain_that_verifies(worked):
    kept = list(evidence_of(worked).values_list("pk", "outcome", "score", "sha256", "hint_rung"))
    assert erase_payloads(worked, reason="two years are over", actor="range") > len(kept)
    assert problems_of(worked) == []
    assert list(evidence_of(worked).values_list("pk", "outcome", "score", "sha256", "hint_rung")) \
        == kept  # fmt: skip
    assert {row.excerpt for row in evidence_of(worked)} == {""}
    assert "cat diary" not in str([event.payload for event in events_of(worked.pk)])
    assert events_of(worked.pk).last().kind == "payloads.erased"
    assert erase_payloads(worked, reason="again", actor="range") == 0


def test_a_forged_tombstone_shows(worked):
    erase_payloads(worked, reason="over", actor="range")
    victim = EvidenceContent.objects.filter(evidence__attempt=worked).first()
    by_force(
        'UPDATE assessment_evidencecontent SET tombstone = tombstone || \'{"reason": "x"}\' '
        "WHERE evidence_id = %s",
        victim.pk,
    )
    assert problems_of(worked) == [f"evidence {victim.pk} was erased without a valid tombstone"]


def test_what_was_tampered_with_cannot_be_hidden_by_erasing_it(worked):
    victim = worked.evidence.first()
    by_force("UPDATE assessment_evidence SET reason = 'x' WHERE id = %s", victim.pk)
    with pytest.raises(ErasureRefused, match="would hide it"):
        erase_payloads(worked, reason="over", actor="range")
    assert not EvidenceContent.objects.exclude(erased_at=None).exists()


def test_an_attempt_under_way_keeps_what_it_carries(attempt, hand_in, flag, handle, state_dir):
    hand_in(flag())
    with pytest.raises(ErasureRefused, match="not graded"):
        erase_payloads(attempt, reason="over", actor="range")


def test_the_command_erases_what_is_old_and_tells_what_it_left(worked):
    out, err = io.StringIO(), io.StringIO()
    call_command("erase_payloads", older_than=1, reason="over", stdout=out)
    assert "Erased 0 payloads of 0" in out.getvalue()
    call_command("erase_payloads", attempt=str(worked.pk), reason="over", stdout=out)
    assert broken_at(worked.pk) is None
    Attempt.objects.filter(pk=worked.pk).update(state="COLLECTED")
    with pytest.raises(CommandError, match="1 attempts were left"):
        call_command("erase_payloads", attempt=str(worked.pk), reason="over", stderr=err)
    assert "not graded" in err.getvalue()
    for nonsense in ("x", str(uuid.uuid4())):
        with pytest.raises(CommandError, match="no such attempt"):
            call_command("erase_payloads", attempt=nonsense, reason="over")


def test_evidence_from_before_the_content_lay_apart_still_verifies(worked):
    from range.assessment.evidence import record_of
    from range.timeline.canonical import digest

    old = Evidence.objects.filter(attempt=worked).first()
    old.content_sha256 = ""
    sha256 = digest(record_of(old))
    by_force(
        "UPDATE assessment_evidence SET content_sha256 = '', sha256 = %s WHERE id = %s",
        sha256,
        old.pk,
    )
    assert problems_of(worked) == [f"evidence {old.pk} is not what its event recorded"]
    by_force(
        "UPDATE assessment_evidencecontent SET excerpt = 'other' WHERE evidence_id = %s", old.pk
    )
    assert f"evidence {old.pk} was changed" in problems_of(worked)
