"""The pages of whoever looks at trainees' live consoles: one console, or a wall of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from range.accounts.access import can_watch, can_watch_exercise
from range.accounts.models import User
from range.console.looking import running_sandbox_of
from range.console.models import Recording
from range.exercises.models import Attempt, Exercise
from range.lib.errors import RangeError
from range.workspace.presenters import specs
from range.workspace.presenters.attempt import url_or_nothing


class NothingToWatch(RangeError):
    """There is nothing to look at, or not for this person; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__(
            "There is nothing here for you to look at.", reason="nothing-to-watch", status=404
        )


@dataclass(frozen=True, kw_only=True)
class ConsoleChoice:
    """A console of the attempt that can be looked at.

    Args:
        is_open: Whether its trainee opened it.
    """

    machine: str
    console: str
    label: str
    href: str
    is_open: bool
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class LookPage:
    """One trainee's console, live."""

    title: str
    trainee: str
    machine: str
    label: str
    socket_path: str
    is_assessed: bool
    consoles: Sequence[ConsoleChoice]
    wall_url: str
    replay_url: str


@dataclass(frozen=True, kw_only=True)
class WallPage:
    """All consoles of an exercise.

    Args:
        exercise_url: Of the exercise's own page; empty where there is none.
        look_url: Address of a look, with a placeholder for the attempt.
    """

    title: str
    offered_to: str
    is_assessed: bool
    socket_path: str
    exercise_url: str
    look_url: str


def look_page(
    viewer: User, attempt_id: uuid.UUID, *, machine: str = "", console: str = ""
) -> LookPage:
    """Gather the page that looks at one console; it is the socket that writes the look down.

    Args:
        machine: Which console; the first one that is open where this names none.

    Raises:
        NothingToWatch: There is no such attempt of the viewer's trainees.
    """
    attempt = (
        Attempt.objects.select_related("exercise__version__scenario", "trainee")
        .filter(pk=attempt_id)
        .first()
    )
    if attempt is None or not can_watch(viewer, attempt.trainee_id):
        raise NothingToWatch
    choices = _choices(attempt, machine=machine, console=console)
    current = next((choice for choice in choices if choice.is_current), None)
    path = f"{current.machine}/{current.console}/look" if current else ""
    return LookPage(
        title=attempt.version.scenario.title,
        trainee=attempt.trainee.shown_name,
        machine=current.machine if current else "",
        label=current.label if current else "",
        socket_path=f"/ws/attempts/{attempt.pk}/consoles/{path}" if current else "",
        is_assessed=attempt.exercise.policy == Exercise.Policy.ASSESSED,
        consoles=choices,
        wall_url=reverse("exercise-wall", args=[attempt.exercise_id]),
        replay_url=reverse("replay", args=[attempt.pk]),
    )


def wall_page(viewer: User, exercise_id: uuid.UUID) -> WallPage:
    """Gather the page of a wall; what stands on it comes over its socket.

    Raises:
        NothingToWatch: There is no such exercise of the viewer's school.
    """
    exercise = (
        Exercise.objects.select_related("version__scenario", "organisation", "cohort")
        .filter(pk=exercise_id)
        .first()
    )
    if exercise is None or not can_watch_exercise(viewer, exercise.organisation_id):
        raise NothingToWatch
    return WallPage(
        title=exercise.version.scenario.title,
        offered_to=str(exercise.cohort.name if exercise.cohort else exercise.organisation.name),
        is_assessed=exercise.policy == Exercise.Policy.ASSESSED,
        socket_path=f"/ws/exercises/{exercise.pk}/wall",
        exercise_url=url_or_nothing("exercise", exercise.pk),
        look_url=reverse("look", args=[uuid.UUID(int=0)]),
    )


def _choices(attempt: Attempt, *, machine: str, console: str) -> list[ConsoleChoice]:
    opened = _open_consoles(attempt)
    known = [(name, "main") for name in specs.consoles(attempt.version)]
    every = list(dict.fromkeys([*known, *sorted(opened)]))
    asked = (machine, console or "main")
    first = next((each for each in every if each in opened), every[0] if every else None)
    current = asked if asked in every else first
    return [
        ConsoleChoice(
            machine=name,
            console=beside,
            label=name if beside == "main" else f"{name} {beside}",
            href=_href(attempt, name, beside),
            is_open=(name, beside) in opened,
            is_current=(name, beside) == current,
        )
        for name, beside in every
    ]


def _open_consoles(attempt: Attempt) -> set[tuple[str, str]]:
    sandbox = running_sandbox_of(attempt)
    if sandbox is None:
        return set()
    recorded = Recording.objects.filter(sandbox=sandbox, ended_at=None)
    return set(recorded.values_list("machine", "console"))


def _href(attempt: Attempt, machine: str, console: str) -> str:
    query = urlencode({"machine": machine, "console": console})
    return f"{reverse('look', args=[attempt.pk])}?{query}"
