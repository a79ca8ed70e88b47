"""The timeline keeps its order, and shows where somebody broke it."""

import json
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from range.lib import signing
from range.timeline.models import Event, EventPayload
from range.timeline.services import GENESIS, broken_at, erase, events_of, record

ATTEMPT = uuid.uuid4()


@pytest.fixture
def three_events(db):
    return [record(ATTEMPT, kind=f"step.{n}", actor="range", payload={"n": n}) for n in (1, 2, 3)]


def rewrite(statement: str, *args: object) -> None:
    """Do what an attacker with the database owner's rights could do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("timeline_event", "timeline_eventpayload"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, args)
        for table in ("timeline_event", "timeline_eventpayload"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_it_numbers_events_without_gaps_and_links_each_to_the_one_before(three_events):
    first, second, third = three_events
    assert [event.seq for event in three_events] == [1, 2, 3]
    assert first.prev_hash == GENESIS
    assert (second.prev_hash, third.prev_hash) == (first.hash, second.hash)
    assert broken_at(ATTEMPT) is None


def test_each_attempt_has_a_chain_of_its_own(three_events):
    other = record(uuid.uuid4(), kind="step.1", actor="range")
    assert (other.seq, other.prev_hash) == (1, GENESIS)


def test_it_returns_events_in_order_with_their_payloads(three_events):
    assert [event.payload["n"] for event in events_of(ATTEMPT)] == [1, 2, 3]
    assert [event.seq for event in events_of(ATTEMPT, kinds=["step.2"])] == [2]


@pytest.mark.parametrize("change", [{"kind": "forged"}, {"actor": "trainee:x"}])
def test_the_database_refuses_to_edit_an_event(three_events, change):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=three_events[1].pk).update(**change)
    assert broken_at(ATTEMPT) is None


def test_the_database_refuses_to_delete_an_event(three_events):
    with pytest.raises(IntegrityError), transaction.atomic():
        EventPayload.objects.filter(event=three_events[2]).delete()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=three_events[2].pk)._raw_delete("default")
    assert events_of(ATTEMPT).count() == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "forged"),
        ("actor", "somebody"),
        ("hash", "f" * 64),
        ("prev_hash", "e" * 64),
        ("payload_sha256", "d" * 64),
    ],
)
def test_a_rewritten_column_breaks_the_chain_where_it_was_rewritten(three_events, column, value):
    rewrite(f"UPDATE timeline_event SET {column} = %s WHERE id = %s", value, three_events[1].pk)
    assert broken_at(ATTEMPT) == 2


def test_a_removed_event_breaks_the_chain(three_events):
    rewrite("DELETE FROM timeline_eventpayload WHERE event_id = %s", three_events[1].pk)
    rewrite("DELETE FROM timeline_event WHERE id = %s", three_events[1].pk)
    assert broken_at(ATTEMPT) == 2


def test_a_rewritten_payload_breaks_the_chain(three_events):
    rewrite(
        "UPDATE timeline_eventpayload SET body = '{\"n\": 9}' WHERE event_id = %s",
        three_events[2].pk,
    )
    assert broken_at(ATTEMPT) == 3


def test_an_event_without_its_payload_breaks_the_chain(three_events):
    rewrite("DELETE FROM timeline_eventpayload WHERE event_id = %s", three_events[1].pk)
    assert broken_at(ATTEMPT) == 2


def test_an_erased_payload_leaves_the_chain_whole_and_says_why(three_events, state_dir):
    erase(three_events[1], reason="kept for two years", actor="range")
    assert broken_at(ATTEMPT) is None
    erased = events_of(ATTEMPT)[1]
    assert erased.payload == {}
    assert erased.content.tombstone["reason"] == "kept for two years"
    assert erased.content.tombstone["payload_sha256"] == erased.payload_sha256


def test_a_tombstone_outlives_the_key_that_signed_it_but_not_its_owner(three_events, state_dir):
    erase(three_events[1], reason="old", actor="range")
    signing.rotate(state_dir)
    assert broken_at(ATTEMPT) is None
    for path in (state_dir / "keys").iterdir():
        path.unlink()
    assert broken_at(ATTEMPT) == 2


@pytest.mark.parametrize("change", [
    {"reason": "another"}, {"erased_at": "2001-01-01T00:00:00+00:00"}, {"seq": 3},
    {"signature": "AAAA"}, {"signature": "not base64"}, {"key": "0" * 16}, {"extra": 1},
])  # fmt: skip
def test_a_changed_tombstone_breaks_the_chain(three_events, state_dir, change):
    erase(three_events[1], reason="old", actor="range")
    stone = EventPayload.objects.get(event=three_events[1]).tombstone | change
    rewrite(
        "UPDATE timeline_eventpayload SET tombstone = %s WHERE event_id = %s",
        json.dumps(stone),
        three_events[1].pk,
    )
    assert broken_at(ATTEMPT) == 2


def test_a_tombstone_of_another_event_does_not_serve(three_events, state_dir):
    erase(three_events[0], reason="old", actor="range")
    erase(three_events[1], reason="old", actor="range")
    stolen = EventPayload.objects.get(event=three_events[0]).tombstone
    rewrite(
        "UPDATE timeline_eventpayload SET tombstone = %s WHERE event_id = %s",
        json.dumps(stolen),
        three_events[1].pk,
    )
    assert broken_at(ATTEMPT) == 2


@pytest.mark.parametrize("change", [
    {"body": {"n": 8}},
    {"body": {"n": 8}, "erased_at": timezone.now(), "tombstone": {"reason": "mine"}},
    {"body": {}, "erased_at": timezone.now()},
    {"body": {}, "tombstone": {"reason": "mine"}},
    {"event": 0},
])  # fmt: skip
def test_a_payload_cannot_be_replaced_nor_erased_without_a_tombstone(three_events, change):
    if "event" in change:
        change = {"event": record(uuid.uuid4(), kind="other", actor="range")}
    with pytest.raises(IntegrityError, match="only be erased"), transaction.atomic():
        EventPayload.objects.filter(event=three_events[1]).update(**change)
    assert broken_at(ATTEMPT) is None


def test_an_erasure_cannot_be_taken_back_or_dated_anew(three_events, state_dir):
    erase(three_events[1], reason="old", actor="range")
    for change in ({"erased_at": None}, {"tombstone": {}}, {"body": {"n": 2}}):
        with pytest.raises(IntegrityError, match="only be erased"), transaction.atomic():
            EventPayload.objects.filter(event=three_events[1]).update(**change)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_get_numbers_one_after_the_other():
    attempt = uuid.uuid4()

    def write() -> None:
        for _ in range(5):
            record(attempt, kind="tick", actor="range")
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert list(events_of(attempt).values_list("seq", flat=True)) == list(range(1, 31))
    assert broken_at(attempt) is None
