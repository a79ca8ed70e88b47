"""Decides who may look at a trainee's live console, and writes every look down."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from range.accounts.access import can_watch, record_access
from range.accounts.models import User
from range.console.admission import ConsoleRefused, Permission, person_of
from range.console.protocol import Close
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox
from range.timeline.services import record

LOOKED_AT_KIND = "console.looked_at"
TYPED_ALONG_KIND = "console.typed_along"
TAKEN_OVER_KIND = "console.taken_over"
HANDED_BACK_KIND = "console.handed_back"
# A page that comes back within this, after a lost connection or a reload, still looks.
SAME_LOOK_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LookAdmission(Permission):
    """Permission to look at a console.

    Args:
        viewer: Whoever looks; their name is what the trainee reads.
        title: Of the scenario, for the record of the look.
    """

    viewer: User
    trainee_id: uuid.UUID
    title: str

    def holds(self, person: User, attempt: Attempt) -> bool:
        """Tell whether the person may still look."""
        return can_watch(person, attempt.trainee_id)


class RecentLooks:
    """Which looks were going on a moment ago, so that a page that comes back is no second look."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], float] = {}

    def goes_on(self, *look: object) -> bool:
        """Tell whether this look was noted and lasts."""
        return time.monotonic() - self._seen.get(look, float("-inf")) < SAME_LOOK_SECONDS

    def note(self, *look: object) -> None:
        """Note that somebody looks now."""
        now = time.monotonic()
        self._seen[look] = now
        self._seen = {key: at for key, at in self._seen.items() if now - at < SAME_LOOK_SECONDS}


def admit_look(
    cookies: Mapping[str, str], *, attempt_id: uuid.UUID, machine: str, console: str
) -> LookAdmission:
    """Return whose console a socket may show, without opening or resuming anything.

    Raises:
        ConsoleRefused: Not signed in, not their trainee, or no machines run.
    """
    session_key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    person = person_of(session_key)
    if person is None:
        raise ConsoleRefused("Sign in to look at a console.", reason="signed-out")
    attempt = (
        Attempt.objects.select_related("exercise__version__scenario").filter(pk=attempt_id).first()
    )
    if attempt is None or not can_watch(person, attempt.trainee_id):
        raise ConsoleRefused("There is no such console for you to see.", reason="not-yours")
    sandbox = running_sandbox_of(attempt)
    if sandbox is None:
        raise ConsoleRefused(
            "No machines run in this attempt now.", reason="not-running", code=Close.NOT_RUNNING
        )
    return LookAdmission(
        person_id=person.pk,
        viewer=person,
        session_key=session_key,
        attempt_id=attempt.pk,
        sandbox_id=sandbox.pk,
        machine=machine,
        console=console,
        trainee_id=attempt.trainee_id,
        title=attempt.version.scenario.title,
    )


def running_sandbox_of(attempt: Attempt) -> Sandbox | None:
    """Return the sandbox in which the trainee may be typing now."""
    return (
        Sandbox.objects.filter(
            attempt=attempt,
            attempt__state=Attempt.State.ACTIVE,
            state=Sandbox.State.RUNNING,
            wanted=Sandbox.Wanted.RUNNING,
        )
        .order_by("-requested_at")
        .first()
    )


def note_look(admission: LookAdmission) -> None:
    """Write down that somebody looks, where the trainee reads it, before they see anything."""
    _note(
        admission.viewer,
        attempt_id=admission.attempt_id,
        trainee_id=admission.trainee_id,
        what=f"the live console of {admission.machine} in {admission.title}",
        payload={"machine": admission.machine, "console": admission.console},
    )


def note_wall_looks(viewer: User, *, title: str, trainees: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Write down that somebody sees consoles on the wall.

    Args:
        trainees: By their attempts.
    """
    for attempt_id, trainee_id in trainees.items():
        _note(
            viewer,
            attempt_id=attempt_id,
            trainee_id=trainee_id,
            what=f"the live consoles of {title}, small on a wall",
            payload={"wall": True},
        )


def _note(
    viewer: User,
    *,
    attempt_id: uuid.UUID,
    trainee_id: uuid.UUID,
    what: str,
    payload: dict[str, object],
) -> None:
    with transaction.atomic():
        record_access(viewer, subject_id=trainee_id, what=what)
        record(
            attempt_id,
            kind=LOOKED_AT_KIND,
            actor=f"instructor:{viewer.pk}",
            payload={"person": viewer.shown_name, **payload},
        )
