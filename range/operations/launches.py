"""How launches went: how many, how long they took, and why some failed; from rows and events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Count, DurationField, F, FloatField, Max, Q, QuerySet, Sum
from django.db.models.expressions import ExpressionWrapper
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Extract

from range.sandboxes.models import Sandbox
from range.timeline.models import Event

RUNNING_KIND = "sandbox.running"
LAUNCH_MILLISECONDS = Cast(KeyTextTransform("milliseconds", "content__body"), FloatField())


class MiddleAndSlow(Aggregate):
    """The 50th and the 95th percentile of a number, as Postgres interpolates them."""

    function = "percentile_cont"
    template = "%(function)s(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(FloatField())


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How long something took, in seconds; None while nothing was measured."""

    number: int
    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Sandboxes that failed for one reason.

    Args:
        had_started: Whether machines ran before; otherwise they never came up.
    """

    reason: str
    had_started: bool
    number: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many launches took at most so long.

    Args:
        counts: By upper bound in seconds, each including those below it.
    """

    counts: Mapping[float, int]
    number: int
    seconds: float


def launch_times(since: datetime) -> Spread:
    """Return what the engine took from the first step to machines that answer."""
    # Events are found by attempt; by moment alone every event there is would be read.
    attempts = Sandbox.objects.filter(started_at__gte=since).values("attempt_id")
    events = _launches().filter(attempt_id__in=attempts, at__gte=since)
    found = events.aggregate(number=Count("milliseconds"), spread=MiddleAndSlow("milliseconds"))
    return _spread(found, per_second=1000)


def waiting_times(since: datetime) -> Spread:
    """Return what trainees waited from the press to machines that answer, queue included."""
    waited = ExpressionWrapper(F("started_at") - F("requested_at"), output_field=DurationField())
    rows = Sandbox.objects.filter(started_at__gte=since).annotate(
        seconds=Cast(Extract(waited, "epoch"), FloatField())
    )
    return _spread(rows.aggregate(number=Count("pk"), spread=MiddleAndSlow("seconds")))


def failures(since: datetime | None = None) -> Sequence[Failure]:
    """Return failed sandboxes by reason, the most frequent first; of all times without `since`."""
    failed = Sandbox.objects.filter(state=Sandbox.State.FAILED)
    if since is not None:
        failed = failed.filter(stopped_at__gte=since)
    groups = (
        failed.values("reason", had_started=Q(started_at__isnull=False))
        .annotate(number=Count("pk"), last_at=Max("stopped_at"))
        .order_by("-number", "reason")
    )
    return tuple(Failure(**group) for group in groups)


def started() -> int:
    """Return how many sandboxes ever came up."""
    return Sandbox.objects.filter(started_at__isnull=False).count()


def histogram(bounds: Sequence[float]) -> Histogram:
    """Return how long every launch so far took, sorted under upper bounds in seconds."""
    below = {
        f"below_{place}": Count("pk", filter=Q(milliseconds__lte=bound * 1000))
        for place, bound in enumerate(bounds)
    }
    found = _launches().aggregate(number=Count("milliseconds"), total=Sum("milliseconds"), **below)
    return Histogram(
        counts={bound: found[f"below_{place}"] for place, bound in enumerate(bounds)},
        number=found["number"],
        seconds=(found["total"] or 0.0) / 1000,
    )


def _launches() -> "QuerySet[Event]":
    launches = Event.objects.filter(kind=RUNNING_KIND).annotate(milliseconds=LAUNCH_MILLISECONDS)
    return cast("QuerySet[Event]", launches)


def _spread(found: Mapping[str, object], *, per_second: float = 1) -> Spread:
    number, spread = cast(int, found["number"]), cast("list[float] | None", found["spread"])
    if not spread or not number:
        return Spread(number=0)
    return Spread(number=number, p50=spread[0] / per_second, p95=spread[1] / per_second)
