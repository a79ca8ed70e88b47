"""Append events, read them in order, and verify an attempt's chain."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from range.timeline.models import Event, EventPayload

GENESIS = "0" * 64


def canonical(value: object) -> bytes:
    """Serialise a JSON value so that equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


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
    return hashlib.sha256(canonical(fields)).hexdigest()


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
        digest = hashlib.sha256(canonical(body)).hexdigest()
        event = Event.objects.create(
            attempt_id=attempt_id,
            seq=seq,
            at=at,
            kind=kind,
            actor=actor[:80],
            payload_sha256=digest,
            prev_hash=prev,
            hash=chain_hash(
                prev=prev,
                attempt_id=attempt_id,
                seq=seq,
                at=at,
                kind=kind,
                actor=actor[:80],
                body=digest,
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
    """Return the number of the first event that breaks the chain, or None if it holds."""
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
        content = getattr(event, "content", None)
        if intact and content is not None and content.erased_at is None:
            intact = hashlib.sha256(canonical(content.body)).hexdigest() == event.payload_sha256
        if not intact:
            return expected
        prev, expected = event.hash, expected + 1
    return None
