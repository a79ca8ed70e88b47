"""What sandboxes there are, what waits, and the memory they may take, read from rows."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, prefetch_related_objects
from django.utils import timezone

from range.catalog.models import ScenarioVersion
from range.sandboxes.models import Sandbox, Spare
from range.sandboxes.queue import in_order
from range.sandboxes.services import memory_needed_mb

State, Wanted = Sandbox.State, Sandbox.Wanted
# In the order a sandbox goes through them; those that have ended are no load.
LIVE_STATES = tuple(state for state in State if state not in Sandbox.ENDED_STATES)
QUEUE_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The sandboxes of one scenario version.

    Args:
        needed_mb: What all machines of one sandbox may take together, in MiB.
        holding: How many hold machines, whatever state they are in.
        coming: How many are asked for or being started, and will take their memory soon.
        spares: How many are made ahead of a launch.
        on_offer: Whether it is what a launch of its scenario starts today.
    """

    version: ScenarioVersion
    needed_mb: int
    holding: int = 0
    coming: int = 0
    spares: int = 0
    on_offer: bool = True


@dataclass(frozen=True, kw_only=True)
class Load:
    """Every sandbox that holds or will hold machines, at one moment.

    Args:
        by_state: Every live state, with zero where there is none.
        queued: Those that nobody has begun to start and that are still wanted.
        paused: How many of those that run are paused, because nobody is at them.
        longest_wait: How long the one that has waited longest in the queue has; 0 without one.
    """

    by_state: Mapping[str, int]
    queued: int
    paused: int
    longest_wait: timedelta
    kinds: Sequence[Kind]

    @property
    def reserved_mb(self) -> int:
        """What everything that holds machines may take together, spares included, in MiB."""
        return sum(kind.needed_mb * (kind.holding + kind.spares) for kind in self.kinds)

    @property
    def promised_mb(self) -> int:
        """What launches under way will take, which admission counts as taken, in MiB."""
        return sum(kind.needed_mb * kind.coming for kind in self.kinds)

    @property
    def spares(self) -> int:
        """How many sandboxes are made ahead."""
        return sum(kind.spares for kind in self.kinds)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One sandbox in the queue.

    Args:
        place: 1 for the next in line.
        waited: How long, when it was read.
    """

    place: int
    trainee: str
    scenario: str
    slug: str
    since: datetime
    waited: timedelta


def load() -> Load:
    """Read what sandboxes there are, in four queries."""
    groups = list(
        Sandbox.objects.live()
        .values("state", "wanted", "attempt__exercise__version")
        .annotate(number=Count("pk"), paused=Count("paused_at"), oldest=Min("requested_at"))
        .order_by()
    )
    by_state = dict.fromkeys(map(str, LIVE_STATES), 0)
    holding: Counter[uuid.UUID] = Counter()
    coming: Counter[uuid.UUID] = Counter()
    now = timezone.now()
    queued, oldest = 0, now
    for group in groups:
        state, number = group["state"], group["number"]
        version, wanted = group["attempt__exercise__version"], group["wanted"] == Wanted.RUNNING
        by_state[state] += number
        holding[version] += number if state != State.REQUESTED else 0
        coming[version] += number if wanted and state in (State.REQUESTED, State.STARTING) else 0
        if wanted and state == State.REQUESTED:
            queued += number
            oldest = min(oldest, group["oldest"])
    return Load(
        by_state=by_state,
        queued=queued,
        paused=sum(group["paused"] for group in groups),
        longest_wait=now - oldest,
        kinds=_kinds(holding, coming),
    )


def queue() -> Sequence[Waiting]:
    """Return the first sandboxes in line, in the order in which they are served."""
    rows = in_order()[:QUEUE_SHOWN]
    prefetch_related_objects(rows, "attempt__trainee", "attempt__exercise__version__scenario")
    now = timezone.now()
    return tuple(
        Waiting(
            place=place,
            trainee=row.attempt.trainee.shown_name,
            scenario=row.attempt.version.scenario.title,
            slug=row.attempt.version.scenario.slug,
            since=row.requested_at,
            waited=now - row.requested_at,
        )
        for place, row in enumerate(rows, start=1)
    )


def _kinds(holding: Counter[uuid.UUID], coming: Counter[uuid.UUID]) -> Sequence[Kind]:
    """Return what is on offer and what still holds machines, the hungriest first."""
    latest = ScenarioVersion.objects.latest_per_scenario().filter(scenario__retired_at=None)
    offered = set(latest.values_list("pk", flat=True))
    spares = Counter(Spare.objects.values_list("version", flat=True))
    versions = (
        ScenarioVersion.objects.filter(pk__in={*offered, *holding, *spares})
        .select_related("scenario")
        .defer("brief", "assets", "images", "image_detail")
    )
    kinds = [
        Kind(
            version=version,
            needed_mb=memory_needed_mb(version),
            holding=holding[version.pk],
            coming=coming[version.pk],
            spares=spares[version.pk],
            on_offer=version.pk in offered,
        )
        for version in versions
    ]
    return sorted(kinds, key=lambda kind: (-kind.needed_mb, kind.version.scenario.title))
