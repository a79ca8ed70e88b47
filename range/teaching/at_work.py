"""A class at work on an exercise: each trainee, objective by objective, at one moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from range.accounts.cohorts import trainees_of
from range.accounts.models import Cohort, User
from range.assessment.overview import Overview, overview_of
from range.catalog.services import spec_of
from range.exercises.models import Attempt, Exercise, Extension
from range.exercises.windows import Window, extended, window_of
from range.sandboxes.models import Sandbox
from range.timeline.models import Event
from range.workspace.presenters import specs

# Without a step forward for so long, somebody may be stuck.
STUCK_AFTER = timedelta(minutes=15)
State = Sandbox.State
_WORDS = {
    "met": "met",
    "waiting": "waits for a person",
    "partial": "partly met",
    "open": "not met yet",
}


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One objective of the exercise, and how many have met it.

    Args:
        working: How many have an attempt.
    """

    key: str
    title: str
    met: int
    working: int


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Where one trainee stands with one objective; empty before they begin."""

    key: str
    state: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One trainee of the cohort.

    Args:
        attempt: Their newest; None before they begin.
        active_at: When they last did something.
        stuck_for: Since when no check was newly met; None where nobody need wonder.
    """

    person: User
    window: Window
    attempt: Attempt | None
    cells: Sequence[Cell]
    sandbox: str
    tone: str
    ends_at: datetime | None
    active_at: datetime | None
    stuck_for: timedelta | None

    @property
    def working(self) -> bool:
        """Tell whether the attempt can still be steered."""
        return self.attempt is not None and self.attempt.state == Attempt.State.ACTIVE


@dataclass(frozen=True, kw_only=True)
class ClassAtWork:
    """The whole cohort."""

    at: datetime
    goals: Sequence[Goal]
    lines: Sequence[Line]

    @property
    def working(self) -> int:
        """Count the attempts in progress."""
        return sum(line.working for line in self.lines)


def class_at_work(exercise: Exercise, *, only: User | None = None) -> ClassAtWork:
    """Return where everybody of the exercise's cohort stands, in eight queries at most.

    Args:
        only: Leave out everybody else.
    """
    cohort = cast(Cohort, exercise.cohort)
    people = [only] if only else [each.person for each in trainees_of(cohort)]
    attempts = _newest_attempts(exercise, people)
    if only is None:
        # Whoever left the cohort since is shown as long as there is something to steer.
        known = {each.pk for each in people}
        people += [
            each.trainee
            for pk, each in attempts.items()
            if pk not in known and each.state == Attempt.State.ACTIVE
        ]
    boxes = _newest_sandboxes(attempts.values())
    views = overview_of(
        list(attempts.values()), epochs={pk: box.epoch for pk, box in boxes.items()}
    )
    later = dict(Extension.objects.filter(exercise=exercise).values_list("trainee", "closes_at"))
    active = _last_active(attempts.values())
    planned = specs.goals(spec_of(exercise.version))
    lines = []
    for person in people:
        attempt = attempts.get(person.pk)
        pk = attempt.pk if attempt else None
        line = _line(
            person,
            extended(exercise, later.get(person.pk)) if later else window_of(exercise),
            attempt,
            [goal.key for goal in planned],
            views.get(pk) if pk else None,
            boxes.get(pk) if pk else None,
            active.get(pk) if pk else None,
        )
        lines.append(line)
    goals = [_goal(goal.key, goal.title, position, lines) for position, goal in enumerate(planned)]
    return ClassAtWork(at=timezone.now(), goals=goals, lines=lines)


def _goal(key: str, title: str, position: int, lines: Sequence[Line]) -> Goal:
    begun = [line for line in lines if line.attempt is not None]
    met = sum(line.cells[position].state == "met" for line in begun)
    return Goal(key=key, title=title, met=met, working=len(begun))


def _newest_attempts(exercise: Exercise, people: Sequence[User]) -> dict[UUID, Attempt]:
    found = Attempt.objects.filter(exercise=exercise).select_related("trainee")
    if len(people) == 1:
        found = found.filter(trainee=people[0])
    newest = {}
    for attempt in found.order_by("started_at"):
        # One exercise and one version serve all: nobody asks the database for them again.
        attempt.exercise = exercise
        newest[attempt.trainee_id] = attempt
    return newest


def _newest_sandboxes(attempts: Collection[Attempt]) -> dict[UUID, Sandbox]:
    rows = Sandbox.objects.filter(attempt__in=attempts)
    rows = rows.prefetch_related("machine_states").order_by("requested_at")
    return {row.attempt_id: row for row in rows}


def _last_active(attempts: Collection[Attempt]) -> dict[UUID, datetime]:
    ids = [attempt.pk for attempt in attempts]
    theirs = Event.objects.filter(attempt_id__in=ids, actor__startswith="trainee:")
    return dict(theirs.values_list("attempt_id").annotate(Max("at")).order_by())


def _line(
    person: User,
    window: Window,
    attempt: Attempt | None,
    keys: Sequence[str],
    view: Overview | None,
    box: Sandbox | None,
    active_at: datetime | None,
) -> Line:
    states: Mapping[str, str] = view.states if view else {}
    cells = [
        Cell(key=key, state=states.get(key, ""), words=_WORDS.get(states.get(key, ""), ""))
        for key in keys
    ]
    sandbox, tone = _standing(attempt, box)
    lives = box is not None and box.state not in Sandbox.ENDED_STATES
    return Line(
        person=person,
        window=window,
        attempt=attempt,
        cells=cells,
        sandbox=sandbox,
        tone=tone,
        ends_at=box.expires_at if box is not None and lives else None,
        active_at=active_at,
        stuck_for=_stuck_for(attempt, view),
    )


def _standing(attempt: Attempt | None, box: Sandbox | None) -> tuple[str, str]:
    """Return how somebody's machines are in a word or two, and the tone of it."""
    if attempt is None:
        return "not begun", ""
    if attempt.state != Attempt.State.ACTIVE:
        return attempt.get_state_display().lower(), ""
    if box is None or box.state == State.STOPPED:
        return "no machines", ""
    if box.state == State.FAILED:
        return "failed", "danger"
    if box.state != State.RUNNING or box.wanted == Sandbox.Wanted.STOPPED:
        return ("stopping" if box.state == State.RUNNING else State(box.state).label.lower()), ""
    if box.paused_at is not None:
        return "paused", ""
    ended = [each.machine for each in box.machine_states.all() if each.ended_at and not each.reset]
    return (f"{ended[0]} ended", "danger") if ended else ("running", "met")


def _stuck_for(attempt: Attempt | None, view: Overview | None) -> timedelta | None:
    if attempt is None or view is None or attempt.state != Attempt.State.ACTIVE:
        return None
    if all(state in ("met", "waiting") for state in view.states.values()):
        return None
    since = timezone.now() - (view.progress_at or attempt.started_at)
    return since if since >= STUCK_AFTER else None
