"""Who is served next when more is wanted than may start at once, and how long that takes."""

import math
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

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

    @property
    def is_at_once(self) -> bool:
        """Tell whether its start need not wait until another one has ended."""
        return self.before < settings.RANGE_LAUNCH_CONCURRENCY


class Waiting(NamedTuple):
    """What decides the place of one sandbox in line."""

    pk: uuid.UUID
    requested_at: datetime
    trainee: uuid.UUID


def in_order() -> list[Sandbox]:
    """Return the sandboxes that wait, in the order in which they are served.

    Whoever holds the fewest comes first; then cohorts take turns; then the longest wait counts.
    """
    rows = {row.pk: row for row in _waiting().select_related("attempt")}
    line = _fairly([Waiting(r.pk, r.requested_at, r.attempt.trainee_id) for r in rows.values()])
    return [rows[each.pk] for each in line]


def place_of(sandbox: Sandbox) -> Place:
    """Return where a waiting sandbox stands in line."""
    # Rows are large, and everybody in line asks for everybody's place.
    rows = _waiting().values_list("pk", "requested_at", "attempt__trainee")
    line = _fairly([Waiting(*row) for row in rows])
    before = next((at for at, each in enumerate(line) if each.pk == sandbox.pk), 0)
    rounds = math.ceil((before + 1) / settings.RANGE_LAUNCH_CONCURRENCY)
    return Place(before=before, wait=rounds * _typical())


def _waiting() -> QuerySet[Sandbox]:
    waiting = Sandbox.objects.filter(state=Sandbox.State.REQUESTED, wanted=Sandbox.Wanted.RUNNING)
    return waiting.order_by("requested_at", "pk")


def _fairly(rows: Sequence[Waiting]) -> Sequence[Waiting]:
    if len(rows) < 2:
        return rows
    held, cohorts = _held(), _cohorts()
    keyed = []
    for row in rows:
        keyed.append((held[row.trainee], row))
        held[row.trainee] += 1
    keyed.sort(key=lambda each: each[0])
    turns: Counter[object] = Counter()
    ordered = []
    for number, row in keyed:
        # Somebody without a cohort is a cohort of their own.
        group = cohorts.get(row.trainee, row.trainee)
        ordered.append((number, turns[number, group], row.requested_at, row.pk, row))
        turns[number, group] += 1
    return [row for *_, row in sorted(ordered)]


def _held() -> Counter[uuid.UUID]:
    """Return how many sandboxes each of those who wait holds already."""
    served = Sandbox.objects.live().exclude(state=Sandbox.State.REQUESTED)
    theirs = served.filter(attempt__trainee__in=_those_who_wait())
    return Counter(theirs.values_list("attempt__trainee", flat=True))


def _cohorts() -> dict[uuid.UUID, uuid.UUID | None]:
    memberships = Membership.objects.filter(person__in=_those_who_wait()).exclude(cohort=None)
    return dict(memberships.order_by("pk").values_list("person", "cohort"))


def _those_who_wait() -> QuerySet[Sandbox, uuid.UUID]:
    return _waiting().order_by().values_list("attempt__trainee", flat=True)


def _typical() -> timedelta:
    """Return what the latest launches took from being taken up to running."""
    launched = Sandbox.objects.exclude(claimed_at=None).exclude(started_at=None)
    times = launched.order_by("-started_at").values_list("claimed_at", "started_at")[:LATEST]
    taken = [(end - begin).total_seconds() for begin, end in times if begin and end]
    return timedelta(seconds=median(taken)) if taken else FIRST_GUESS
