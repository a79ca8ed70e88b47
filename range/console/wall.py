"""What stands on the wall of an exercise: whose consoles, how each is doing, what it shows."""

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q
from django.utils import timezone

from range.accounts.access import can_watch_exercise, taught_by
from range.accounts.models import User
from range.console.admission import ConsoleRefused, person_of
from range.console.relay import Relay
from range.exercises.models import Attempt, Exercise
from range.sandboxes.models import Sandbox
from range.timeline.models import Event

# What one console may send at once; what is beyond it no small picture could show.
PICTURE_BYTES = 16 * 1024
IDLE_AFTER_SECONDS = 5 * 60.0
STUCK_AFTER = timedelta(minutes=15)
MOST_ATTEMPTS = 200
_PROGRESS = Q(kind="attempt.begun") | Q(kind="evidence.recorded", content__body__outcome="MET")


@dataclass(frozen=True, kw_only=True)
class Seated:
    """One trainee at the exercise.

    Args:
        sandbox_id: Of the machines that run; None where none do.
        progressed_at: When something was last achieved, or the attempt began.
    """

    attempt_id: uuid.UUID
    trainee_id: uuid.UUID
    name: str
    sandbox_id: uuid.UUID | None
    progressed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Everybody at the exercise whom the viewer may look at, and the viewer."""

    viewer: User
    title: str
    seated: tuple[Seated, ...]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One console on the wall, or a trainee who has none open.

    Args:
        state: `active`, `idle`, `stuck`, `closed` (nothing open) or `stopped` (no machines).
        minutes: For how long it has been so; 0 where that says nothing.
    """

    id: str
    attempt: str
    trainee: str
    machine: str = ""
    console: str = ""
    state: str = "closed"
    minutes: int = 0


def roster_of(session_key: str, exercise_id: uuid.UUID) -> Roster:
    """Return who is at an exercise; asked every few seconds, so that rights end soon.

    Raises:
        ConsoleRefused: Not signed in, or not an exercise of the viewer's school.
    """
    person = person_of(session_key)
    exercise = Exercise.objects.select_related("version__scenario").filter(pk=exercise_id).first()
    if (
        person is None
        or exercise is None
        or not can_watch_exercise(person, exercise.organisation_id)
    ):
        raise ConsoleRefused("There is no such exercise of yours.", reason="not-yours")
    return Roster(
        viewer=person,
        title=exercise.version.scenario.title,
        seated=tuple(_seated(person, exercise)),
    )


def _seated(viewer: User, exercise: Exercise) -> Iterator[Seated]:
    attempts = list(
        Attempt.objects.filter(
            exercise=exercise, state=Attempt.State.ACTIVE, trainee__in=taught_by(viewer)
        )
        .exclude(trainee=viewer)
        .select_related("trainee")
        .order_by("trainee__display_name", "trainee__username", "started_at")[:MOST_ATTEMPTS]
    )
    ids = [attempt.pk for attempt in attempts]
    running = dict(
        Sandbox.objects.filter(
            attempt__in=ids, state=Sandbox.State.RUNNING, wanted=Sandbox.Wanted.RUNNING
        )
        .order_by("requested_at")
        .values_list("attempt_id", "pk")
    )
    progress = dict(
        Event.objects.filter(_PROGRESS, attempt_id__in=ids)
        .order_by()
        .values("attempt_id")
        .annotate(last=Max("at"))
        .values_list("attempt_id", "last")
    )
    for attempt in attempts:
        yield Seated(
            attempt_id=attempt.pk,
            trainee_id=attempt.trainee_id,
            name=attempt.trainee.shown_name,
            sandbox_id=running.get(attempt.pk),
            progressed_at=progress.get(attempt.pk, attempt.started_at),
        )


def tiles_of(roster: Roster, relays: Iterable[Relay]) -> dict[Tile, Relay | None]:
    """Return what the wall shows, in an order that does not change while it is looked at."""
    open_in: dict[uuid.UUID, list[Relay]] = {}
    for relay in relays:
        open_in.setdefault(relay.key.sandbox_id, []).append(relay)
    found: dict[Tile, Relay | None] = {}
    for seated in roster.seated:
        theirs = open_in.get(seated.sandbox_id, []) if seated.sandbox_id else []
        for relay in sorted(theirs, key=lambda each: (each.key.machine, each.key.console)):
            found[_tile(seated, relay)] = relay
        if not theirs:
            state = "closed" if seated.sandbox_id else "stopped"
            attempt = str(seated.attempt_id)
            found[Tile(id=attempt, attempt=attempt, trainee=seated.name, state=state)] = None
    return found


def _tile(seated: Seated, relay: Relay) -> Tile:
    state, minutes = _standing(seated, relay)
    key, attempt = relay.key, str(seated.attempt_id)
    return Tile(
        id=f"{attempt}/{key.machine}/{key.console}",
        attempt=attempt,
        trainee=seated.name,
        machine=key.machine,
        console=key.console,
        state=state,
        minutes=minutes,
    )


def _standing(seated: Seated, relay: Relay) -> tuple[str, int]:
    quiet = time.monotonic() - relay.typed_at
    if quiet > IDLE_AFTER_SECONDS:
        return "idle", int(quiet // 60)
    without = timezone.now() - seated.progressed_at
    if without > STUCK_AFTER:
        return "stuck", int(without.total_seconds() // 60)
    return "active", 0
