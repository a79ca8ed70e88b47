"""What instructors see during a class: attempts under way, their machines, what befell them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from range.accounts.access import can_see_attempts_under_way, taught_by
from range.accounts.models import User
from range.console.event_words import reason_words
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.sandboxes.models import MachineState, Sandbox
from range.sandboxes.recent_troubles import Trouble, newest

LINES_SHOWN = 200
TROUBLES_SHOWN = 50
LOOKED_BACK = timedelta(hours=24)
State = Sandbox.State
_ENDED = {
    "": "ended unexpectedly",
    "out-of-memory": "ended: out of memory",
    "disk-full": "was stopped: its disk is full",
    "reset-failed": "could not be reset",
}


class UnderWayRefused(RangeError):
    """What a class is at is for those who teach it."""

    def __init__(self) -> None:
        super().__init__(
            "Attempts under way are for instructors. Your own open from the catalogue.",
            reason="not-an-instructor",
            status=403,
        )


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something that is the matter with a machine now.

    Args:
        tone: `danger` where it stands still, `warn` where it may, `busy` while the range is at
            work on it.
    """

    tone: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One attempt under way.

    Args:
        tone: Which colour the state of its machines has; empty for none.
        ends_at: When its machines end; None without any.
    """

    attempt: Attempt
    state: str
    tone: str = ""
    ends_at: datetime | None = None
    remarks: Sequence[Remark] = ()


@dataclass(frozen=True, kw_only=True)
class UnderWayPage:
    """Everything on the page, at one moment."""

    at: datetime
    lines: Sequence[Line]
    total: int
    troubles: Sequence[Trouble]

    @property
    def linked(self) -> set[UUID]:
        """Trainees whose attempts the viewer may open: all of those shown."""
        return {trouble.attempt.trainee_id for trouble in self.troubles}

    @property
    def unseen(self) -> int:
        """How many attempts there are beyond those shown."""
        return self.total - len(self.lines)


def under_way_page(viewer: User) -> UnderWayPage:
    """Return what the trainees of the viewer's schools are at.

    Raises:
        UnderWayRefused: The viewer teaches nobody.
    """
    if not can_see_attempts_under_way(viewer):
        raise UnderWayRefused
    now, taught = timezone.now(), taught_by(viewer)
    found = (
        Attempt.objects.open()
        .filter(trainee__in=taught)
        .select_related("trainee", "exercise__version__scenario")
        .defer("exercise__version__spec", "exercise__version__assets", "exercise__version__brief")
        .order_by("exercise__version__scenario__title", "started_at")
    )
    attempts = list(found[:LINES_SHOWN])
    newest_of = _newest_sandboxes(attempts)
    lines = [_line(attempt, newest_of.get(attempt.pk)) for attempt in attempts]
    return UnderWayPage(
        at=now,
        # Whoever needs somebody first: what stands still, then what may.
        lines=sorted(lines, key=_urgency),
        total=found.count(),
        troubles=newest(now - LOOKED_BACK, trainees=taught, limit=TROUBLES_SHOWN),
    )


def _newest_sandboxes(attempts: Sequence[Attempt]) -> dict[UUID, Sandbox]:
    rows = Sandbox.objects.filter(attempt__in=attempts).prefetch_related("machine_states")
    return {row.attempt_id: row for row in rows.order_by("requested_at")}


def _urgency(line: Line) -> int:
    tones = {line.tone, *(remark.tone for remark in line.remarks)}
    return 0 if "danger" in tones else 1 if "warn" in tones else 2


def _line(attempt: Attempt, sandbox: Sandbox | None) -> Line:
    if sandbox is None or sandbox.state == State.STOPPED:
        return Line(attempt=attempt, state="No machines")
    if sandbox.state == State.FAILED:
        why = Remark(tone="danger", text=reason_words(sandbox.reason), at=sandbox.stopped_at)
        return Line(attempt=attempt, state="Failed", tone="danger", remarks=(why,))
    remarks = tuple(_remarks(sandbox))
    state, tone = _standing(sandbox, remarks)
    return Line(
        attempt=attempt, state=state, tone=tone, ends_at=sandbox.expires_at, remarks=remarks
    )


def _standing(sandbox: Sandbox, remarks: Sequence[Remark]) -> tuple[str, str]:
    """Return the state of a sandbox in a word or two, and its tone."""
    if sandbox.state != State.RUNNING:
        return State(sandbox.state).label, ""
    if sandbox.paused_at is not None:
        return "Paused", ""
    if any(remark.tone == "danger" for remark in remarks):
        return "Running in part", "warn"
    return "Running", "met"


def _remarks(sandbox: Sandbox) -> Iterator[Remark]:
    for state in sorted(sandbox.machine_states.all(), key=lambda each: each.machine):
        yield from _of_machine(state)


def _of_machine(state: MachineState) -> Iterator[Remark]:
    name = state.machine
    if state.reset:
        yield Remark(tone="busy", text=f"{name} is being reset")
    elif state.ended_at is not None:
        yield Remark(tone="danger", text=f"{name} {_ENDED[state.end_reason]}", at=state.ended_at)
    else:
        if state.out_of_memory_at is not None:
            text = f"{name} ran out of memory and goes on"
            yield Remark(tone="warn", text=text, at=state.out_of_memory_at)
        if state.disk_low_at is not None:
            text = f"the disk of {name} is nearly full"
            yield Remark(tone="warn", text=text, at=state.disk_low_at)
