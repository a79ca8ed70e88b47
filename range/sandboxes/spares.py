"""Keeps a few sandboxes made ahead, so that launches of what is launched most are short.

A spare is everything of a sandbox that does not depend on an attempt. A launch takes over its id,
and with it the networks and machines whose names derive from that id.
"""

import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from range.catalog.models import ScenarioVersion
from range.catalog.services import topology_for
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.memory import available_mb
from range.runtime.driver import Driver, Handle
from range.runtime.topology import Topology
from range.sandboxes.models import Sandbox, Spare
from range.sandboxes.services import memory_needed_mb

log = get_logger(__name__)

# A trainee whose machines just started still waits for a prompt: the cores are theirs.
SETTLE_SECONDS = 3.0
# A version that could not be made ahead is not tried again for this long.
RETRY_SECONDS = 120.0
# Made by an engine that has changed since, perhaps; cheap to make again.
OLDEST = timedelta(hours=6)
JUST_MADE = timedelta(minutes=1)
RECENTLY = timedelta(days=1)
# How many attempts are drawn to see whether a version's machines depend on the attempt.
DRAWN = 3


def usable(sandbox: Sandbox, topology: Topology, driver: Driver) -> Handle | None:
    """Return what was made ahead for a sandbox, if it has the shape its attempt needs."""
    made = sandbox.prepared or {}
    if not made or made["shape"] != driver.shape(topology):
        return None
    return Handle.from_json(made["handle"])


class Spares:
    """Makes and drops spares; one thread, and only while nobody is being served."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spare")
        self._making: Future[None] | None = None
        self._not_before: dict[uuid.UUID, float] = {}
        self._quiet_at = 0.0

    def close(self) -> None:
        """Wait for what is being made."""
        self._thread.shutdown(wait=True)

    def settle(self) -> None:
        """Wait until what is being made is there; for tests."""
        if self._making is not None:
            self._making.result()

    def take_over(self) -> None:
        """Forget what another process was making; the reaper removes it."""
        if self._making is None or self._making.done():
            Spare.objects.filter(state=Spare.State.MAKING).delete()

    def keep(self, driver: Driver, *, busy: bool) -> None:
        """See to it, in the thread, that what is wanted is there; launches come first.

        Args:
            busy: Whether a launch or a stop is under way.
        """
        if busy:
            self._quiet_at = time.monotonic() + SETTLE_SECONDS
        rests = time.monotonic() < self._quiet_at or not settings.RANGE_SPARE_SANDBOXES
        if rests or (self._making is not None and not self._making.done()):
            return
        self._making = self._thread.submit(self._tend, driver)

    def forget_missing(self, there: Collection[uuid.UUID]) -> None:
        """Forget spares that the engine does not know, such as after the host's restart."""
        ready = Spare.objects.filter(state=Spare.State.READY)
        if settings.RANGE_SPARE_SANDBOXES:
            # What the engine was asked for may be a moment older than the newest spare.
            ready = ready.exclude(pk__in=there).filter(made_at__lt=timezone.now() - JUST_MADE)
        ready.delete()

    def _tend(self, driver: Driver) -> None:
        try:
            wanted = _wanted(settings.RANGE_SPARE_SANDBOXES)
            self._drop(driver, wanted)
            version = next(self._missing(wanted), None)
            if version is not None:
                self._make(driver, version)
        except Exception:
            log.exception("spares.failed")
        finally:
            connection.close()

    def _drop(self, driver: Driver, wanted: Mapping[ScenarioVersion, int]) -> None:
        left = Counter({version.pk: count for version, count in wanted.items()})
        old = timezone.now() - OLDEST
        for spare in Spare.objects.filter(state=Spare.State.READY).order_by("-made_at"):
            left[spare.version_id] -= 1
            if left[spare.version_id] >= 0 and spare.made_at > old:
                continue
            # A launch may take it at this very moment; then it is not ours to stop.
            if Spare.objects.filter(pk=spare.pk).delete()[0]:
                driver.stop(Handle.from_json(spare.handle or {}))

    def _missing(self, wanted: Mapping[ScenarioVersion, int]) -> Iterator[ScenarioVersion]:
        have = Counter(Spare.objects.values_list("version_id", flat=True))
        free = available_mb()
        for version, count in wanted.items():
            if have[version.pk] >= count or time.monotonic() < self._not_before.get(version.pk, 0):
                continue
            room = 2 * settings.RANGE_MEMORY_RESERVE_MB + memory_needed_mb(version)
            if free is None or free >= room:
                yield version

    def _make(self, driver: Driver, version: ScenarioVersion) -> None:
        self._not_before[version.pk] = time.monotonic() + RETRY_SECONDS
        topologies = [topology_for(version, uuid.uuid4(), 1) for _ in range(DRAWN)]
        shapes = {driver.shape(topology) for topology in topologies}
        if len(shapes) > 1:
            # Its machines differ from attempt to attempt, so none serves another.
            self._not_before[version.pk] = float("inf")
            return
        self._make_one(driver, version, topologies[0], shapes.pop())

    def _make_one(
        self, driver: Driver, version: ScenarioVersion, topology: Topology, shape: str
    ) -> None:
        spare = Spare.objects.create(version=version)
        try:
            deadline = timezone.now() + settings.RANGE_LAUNCH_DEADLINE
            handle = driver.prepare(spare.pk, topology, deadline=deadline)
        except RangeError as error:
            spare.delete()
            log.info("spare.refused", scenario=version.scenario_id, reason=error.reason)
            return
        making = Spare.objects.filter(pk=spare.pk, state=Spare.State.MAKING)
        if not making.update(state=Spare.State.READY, shape=shape, handle=handle.to_json()):
            driver.stop(handle)
            return
        del self._not_before[version.pk]
        log.info("spare.ready", scenario=version.scenario_id, sandbox=str(spare.pk))


def _wanted(number: int) -> dict[ScenarioVersion, int]:
    """Return how many spares each version gets: most launched first, then the easiest."""
    ready = ScenarioVersion.objects.latest_per_scenario().filter(
        image_state=ScenarioVersion.ImageState.READY, scenario__retired_at=None
    )
    versions = {
        version.pk: version for version in ready.order_by("spec__difficulty", "scenario__slug")
    }
    launched = [pk for pk in _most_launched() if pk in versions]
    ranked = [*launched, *(pk for pk in versions if pk not in launched)]
    # One each; what is left over goes to those that were launched.
    turns = [*ranked, *(launched * number)][:number] if ranked else []
    return {versions[pk]: count for pk, count in Counter(turns).items()}


def _most_launched() -> Sequence[uuid.UUID]:
    lately = Sandbox.objects.filter(requested_at__gte=timezone.now() - RECENTLY)
    counted = lately.values("attempt__exercise__version").annotate(launches=Count("pk"))
    ordered = counted.order_by("-launches", "attempt__exercise__version")
    return list(ordered.values_list("attempt__exercise__version", flat=True))
