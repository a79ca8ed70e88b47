"""Writes commands and finished recordings into the database, one thread, through any outage."""

import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone

from range.console.models import Recording
from range.console.recorder import Seal
from range.exercises.services import CHECKS_DEBOUNCE, want_checks
from range.lib.logs import get_logger
from range.timeline.models import Event
from range.timeline.services import record

log = get_logger(__name__)

COMMAND_KIND = "console.command"
# While the database is away this many rows wait; the recordings themselves are on disk anyway.
MOST_WAITING = 10_000
LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class CommandNote:
    """A redacted command on its way into the timeline; its number is given when it is written."""

    attempt_id: uuid.UUID
    actor: str
    payload: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class EventNote:
    """Something else on its way into the timeline."""

    attempt_id: uuid.UUID
    kind: str
    actor: str
    payload: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class SealNote:
    """A finished recording's size and digest."""

    recording_id: uuid.UUID
    seal: Seal


type Note = CommandNote | EventNote | SealNote


class Writer:
    """The thread; one for a process."""

    def __init__(self) -> None:
        self._notes: queue.Queue[Note | None] = queue.Queue(MOST_WAITING)
        self._numbers: dict[uuid.UUID, int] = {}
        self._checks: dict[uuid.UUID, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="console writer", daemon=True)
        self._thread.start()

    def submit(self, note: Note) -> None:
        """Write a row when the database can; the newest are dropped after a very long outage."""
        try:
            self._notes.put_nowait(note)
        except queue.Full:
            log.error("console.writer.full", waiting=MOST_WAITING)

    def stop(self) -> None:
        """Write what waits, give up on a database that is away, and end the thread."""
        self._stopping.set()
        try:
            self._notes.put_nowait(None)
        except queue.Full:
            log.error("console.writer.abandoned", waiting=self._notes.qsize())
        self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            while True:
                try:
                    note = self._notes.get(timeout=self._until_checks())
                except queue.Empty:
                    self._patiently(self._ask_for_checks)
                    continue
                if note is None:
                    return
                self._patiently(lambda note=note: self._write(note))  # type: ignore[misc]
        finally:
            connection.close()

    def _until_checks(self) -> float:
        if not self._checks:
            return 60.0
        return max(0.0, min(self._checks.values()) - time.monotonic())

    def _patiently(self, work: Callable[[], None]) -> None:
        pause = 0.1
        while True:
            try:
                return work()
            except (OperationalError, InterfaceError) as error:
                log.warning("console.writer.waits", error=type(error).__name__)
                connection.close()
                if self._stopping.is_set():
                    return None
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except DatabaseError:
                log.exception("console.writer.refused")
                return None

    def _write(self, note: Note) -> None:
        if isinstance(note, SealNote):
            end_recording(note.recording_id, note.seal)
            return
        if isinstance(note, EventNote):
            record(note.attempt_id, kind=note.kind, actor=note.actor, payload=note.payload)
            return
        number = self._next_number(note.attempt_id)
        record(
            note.attempt_id,
            kind=COMMAND_KIND,
            actor=note.actor,
            payload={"number": number, **note.payload},
        )
        self._numbers[note.attempt_id] = number
        if not want_checks(note.attempt_id):
            # The checker was asked a moment ago, maybe too early to see this command's effect.
            due = time.monotonic() + CHECKS_DEBOUNCE.total_seconds()
            self._checks.setdefault(note.attempt_id, due)

    def _next_number(self, attempt_id: uuid.UUID) -> int:
        if attempt_id not in self._numbers:
            written = Event.objects.filter(attempt_id=attempt_id, kind=COMMAND_KIND)
            self._numbers[attempt_id] = written.count()
        return self._numbers[attempt_id] + 1

    def _ask_for_checks(self) -> None:
        now = time.monotonic()
        for attempt_id in [pk for pk, due in self._checks.items() if due <= now]:
            want_checks(attempt_id)
            del self._checks[attempt_id]


def end_recording(recording_id: uuid.UUID, seal: Seal, *, at: datetime | None = None) -> None:
    """Write a finished recording's size and digest into its row, once.

    Args:
        at: When it ended; now when None.
    """
    Recording.objects.filter(pk=recording_id, ended_at=None).update(
        ended_at=at or timezone.now(), size_bytes=seal.size_bytes, sha256=seal.sha256
    )
