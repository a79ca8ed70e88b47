"""The timeline keeps its order, and shows where somebody broke it."""

import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from range.timeline.models import Event, EventPayload
from range.timeline.services import GENESIS, broken_at, events_of, record

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


def test_an_erased_payload_leaves_the_chain_whole(three_events):
    EventPayload.objects.filter(event=three_events[1]).update(body={}, erased_at=three_events[1].at)
    assert broken_at(ATTEMPT) is None
    assert events_of(ATTEMPT)[1].payload == {}


def test_a_payload_cannot_be_replaced_even_with_an_erasure_date(three_events):
    with pytest.raises(IntegrityError, match="only be erased"), transaction.atomic():
        EventPayload.objects.filter(event=three_events[1]).update(
            body={"n": 8}, erased_at=three_events[1].at
        )


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
