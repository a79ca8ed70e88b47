"""Who is served next when more is wanted than may start at once, and how long that takes."""

import math
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.conf import settings
from django.db.models import QuerySet

from range.accounts.models import Membership
from range.sandboxes.models import Sandbox

# What a launch is thought to take while none has been seen.
FIRST_GUESS = timedelta(seconds=2)
# How many of the latest launches tell how long the next one takes.
LATEST = 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """A sandbox's place in line.

    Args:
        before: How many are served first.
        wait: How long until its machines run, estimated from the latest launches.
    """

    before: int
    wait: timedelta


def in_order() -> list[Sandbox]:
    """Return the sandboxes that wait, in the order in which they are served.

    Whoever holds the fewest comes first; then cohorts take turns; then the longest wait counts.
    """
    rows = list(_waiting())
    return rows if len(rows) < 2 else _fairly(rows)


def place_of(sandbox: Sandbox) -> Place:
    """Return where a waiting sandbox stands in line."""
    # Rows are large, and everybody in line asks for everybody's place.
    rows = list(_waiting().only("requested_at", "attempt__trainee_id"))
    before = next((at for at, row in enumerate(_fairly(rows)) if row.pk == sandbox.pk), 0)
    rounds = math.ceil((before + 1) / settings.RANGE_LAUNCH_CONCURRENCY)
    return Place(before=before, wait=rounds * _typical())


def _waiting() -> QuerySet[Sandbox]:
    waiting = Sandbox.objects.filter(state=Sandbox.State.REQUESTED, wanted=Sandbox.Wanted.RUNNING)
    return waiting.select_related("attempt").order_by("requested_at", "pk")


def _fairly(rows: Sequence[Sandbox]) -> list[Sandbox]:
    trainees = {row.attempt.trainee_id for row in rows}
    held, cohorts = _held(trainees), _cohorts(trainees)
    keyed = []
    for row in rows:
        trainee = row.attempt.trainee_id
        keyed.append((held[trainee], row))
        held[trainee] += 1
    keyed.sort(key=lambda each: each[0])
    turns: Counter[object] = Counter()
    ordered = []
    for number, row in keyed:
        # Somebody without a cohort is a cohort of their own.
        group = cohorts.get(row.attempt.trainee_id, row.attempt.trainee_id)
        ordered.append((number, turns[number, group], row.requested_at, str(row.pk), row))
        turns[number, group] += 1
    return [row for *_, row in sorted(ordered, key=lambda each: each[:4])]


def _held(trainees: Collection[uuid.UUID]) -> Counter[uuid.UUID]:
    served = Sandbox.objects.live().exclude(state=Sandbox.State.REQUESTED)
    return Counter(
        served.filter(attempt__trainee__in=trainees).values_list("attempt__trainee", flat=True)
    )


def _cohorts(trainees: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    memberships = Membership.objects.filter(person__in=trainees).exclude(cohort=None)
    return dict(memberships.order_by("pk").values_list("person", "cohort"))


def _typical() -> timedelta:
    """Return what the latest launches took from being taken up to running."""
    launched = Sandbox.objects.exclude(claimed_at=None).exclude(started_at=None)
    times = launched.order_by("-started_at").values_list("claimed_at", "started_at")[:LATEST]
    taken = [(end - begin).total_seconds() for begin, end in times if begin and end]
    return timedelta(seconds=median(taken)) if taken else FIRST_GUESS
