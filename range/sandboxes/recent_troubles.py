"""What befell sandboxes lately, as the timeline tells it: the newest first, and by reason."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from range.exercises.models import Attempt
from range.sandboxes.models import Refusal, Sandbox
from range.timeline.models import Event

MACHINE_KINDS = (
    "sandbox.machine_died",
    "sandbox.out_of_memory",
    "sandbox.disk_low",
    "sandbox.disk_full",
    "sandbox.machine_reset_failed",
)
SANDBOX_KINDS = ("sandbox.failed", "sandbox.lost")


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that befell a sandbox, and whose attempt it was."""

    attempt: Attempt
    event: Event

    @property
    def machine(self) -> str:
        """Which machine, hidden or not, so for staff alone; empty where it was all of them."""
        return str(self.event.payload.get("machine", ""))

    @property
    def after_ms(self) -> int:
        """How long after the attempt's beginning, as addresses of moments count."""
        return max(0, round((self.event.at - self.attempt.started_at).total_seconds() * 1000))


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How often one thing happened for one reason.

    Args:
        kind: The event's; empty for refused launches.
    """

    kind: str
    reason: str
    number: int
    last_at: datetime


def newest(
    since: datetime,
    *,
    trainees: Iterable[uuid.UUID] | None = None,
    limit: int,
) -> Sequence[Trouble]:
    """Return what befell sandboxes and their machines, the newest first.

    Args:
        trainees: Whose; everybody's when None.
    """
    attempts = _attempts(since)
    if trainees is not None:
        attempts = attempts.filter(attempt__trainee__in=trainees)
    events = list(
        _events(attempts, since, (*MACHINE_KINDS, *SANDBOX_KINDS))
        .select_related("content")
        .order_by("-at", "-seq")[:limit]
    )
    of = (
        Attempt.objects.select_related("trainee", "exercise__version__scenario")
        .defer("exercise__version__spec", "exercise__version__assets", "exercise__version__brief")
        .in_bulk({event.attempt_id for event in events})
    )
    return tuple(Trouble(attempt=of[event.attempt_id], event=event) for event in events)


def machine_tallies(since: datetime) -> Sequence[Tally]:
    """Count what machines suffered, the most frequent first."""
    groups = (
        _events(_attempts(since), since, MACHINE_KINDS)
        .values("kind", reason=KeyTextTransform("reason", "content__body"))
        .annotate(number=Count("pk"), last_at=Max("at"))
        .order_by("-number", "kind", "reason")
    )
    return tuple(Tally(**(group | {"reason": group["reason"] or ""})) for group in groups)


def refusal_tallies(since: datetime | None = None) -> Sequence[Tally]:
    """Count refused launches, the most frequent first; of all times without `since`."""
    refused = Refusal.objects.all() if since is None else Refusal.objects.filter(at__gte=since)
    groups = (
        refused.values("reason")
        .annotate(number=Count("pk"), last_at=Max("at"))
        .order_by("-number", "reason")
    )
    return tuple(Tally(kind="", **group) for group in groups)


def _attempts(since: datetime) -> "QuerySet[Sandbox]":
    return Sandbox.objects.filter(Q(stopped_at=None) | Q(stopped_at__gte=since))


def _events(
    sandboxes: "QuerySet[Sandbox]", since: datetime, kinds: Iterable[str]
) -> "QuerySet[Event]":
    # Events are found by attempt; by moment alone every event there is would be read.
    attempts = sandboxes.values("attempt_id")
    return Event.objects.filter(attempt_id__in=attempts, kind__in=list(kinds), at__gte=since)
