"""Append events, read them in order, and verify an attempt's chain."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from range.timeline import tombstones
from range.timeline.canonical import digest
from range.timeline.models import Event, EventPayload

GENESIS = "0" * 64


def chain_hash(
    *, prev: str, attempt_id: uuid.UUID, seq: int, at: datetime, kind: str, actor: str, body: str
) -> str:
    """Return the hash of one event given the hash before it and its payload's digest."""
    fields = [
        prev,
        str(attempt_id),
        seq,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        kind,
        actor,
        body,
    ]
    return digest(fields)


def record(
    attempt_id: uuid.UUID, *, kind: str, actor: str, payload: Mapping[str, object] | None = None
) -> Event:
    """Append one event to an attempt's timeline and wake the pages that follow it.

    Args:
        actor: `trainee:<id>`, `instructor:<id>`, `range` or `tutor`.
        payload: JSON values only; never a flag, a secret or terminal bytes.
    """
    body = dict(payload or {})
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        # One writer per attempt at a time keeps numbers gapless without locking a table.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(attempt_id)])
        last = Event.objects.filter(attempt_id=attempt_id).order_by("-seq").first()
        seq, prev = (last.seq + 1, last.hash) if last else (1, GENESIS)
        at = timezone.now()
        payload_sha256 = digest(body)
        event = Event.objects.create(
            attempt_id=attempt_id,
            seq=seq,
            at=at,
            kind=kind,
            actor=actor[:80],
            payload_sha256=payload_sha256,
            prev_hash=prev,
            hash=chain_hash(
                prev=prev,
                attempt_id=attempt_id,
                seq=seq,
                at=at,
                kind=kind,
                actor=actor[:80],
                body=payload_sha256,
            ),
        )
        EventPayload.objects.create(event=event, body=body)
        cursor.execute("SELECT pg_notify('attempt_changed', %s)", [f"{attempt_id} events"])
    return event


def events_of(attempt_id: uuid.UUID, *, kinds: Iterable[str] = ()) -> QuerySet[Event]:
    """Return an attempt's events in order with their payloads, optionally of some kinds."""
    events = Event.objects.filter(attempt_id=attempt_id).select_related("content").order_by("seq")
    wanted = list(kinds)
    return events.filter(kind__in=wanted) if wanted else events


def broken_at(attempt_id: uuid.UUID) -> int | None:
    """Return the number of the first event that breaks the chain, or None if it holds.

    An event without its payload breaks it too, unless a signed tombstone says who erased it.
    """
    prev, expected = GENESIS, 1
    for event in events_of(attempt_id):
        intact = event.seq == expected and event.prev_hash == prev
        intact = intact and event.hash == chain_hash(
            prev=prev,
            attempt_id=attempt_id,
            seq=event.seq,
            at=event.at,
            kind=event.kind,
            actor=event.actor,
            body=event.payload_sha256,
        )
        if not intact or not _carries_its_payload(event):
            return expected
        prev, expected = event.hash, expected + 1
    return None


def _carries_its_payload(event: Event) -> bool:
    content = getattr(event, "content", None)
    if content is None:
        return False
    if content.erased_at is None:
        return digest(content.body) == event.payload_sha256
    return tombstones.holds(content.tombstone, of=subject_of(event))


def subject_of(event: Event) -> dict[str, object]:
    """Return what a tombstone in the place of an event's payload must speak of."""
    return {
        "attempt": str(event.attempt_id),
        "seq": event.seq,
        "hash": event.hash,
        "payload_sha256": event.payload_sha256,
    }


def erase(event: Event, *, reason: str, actor: str) -> None:
    """Erase what an event carries and leave a signed tombstone; the chain still verifies.

    Raises:
        KeyringBroken: Nothing can be signed; nothing was erased then.
    """
    stone, at = tombstones.carve(subject_of(event), reason=reason, actor=actor)
    EventPayload.objects.filter(event=event, erased_at=None).update(
        body={}, erased_at=at, tombstone=stone
    )
