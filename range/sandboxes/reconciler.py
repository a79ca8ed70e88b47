"""Makes every sandbox what its row wants: starts, stops, replaces, expires and reaps.

One reconciler works at a time (an advisory lock decides); whatever it was doing when it died is
picked up by the next one from the rows and from the engine's own list of what is running.
"""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import (
    DatabaseError,
    close_old_connections,
    connection,
    transaction,
)
from django.db.models import Q
from django.utils import timezone

from range.exercises.models import Attempt
from range.exercises.services import finish
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.notify import Listener, conninfo, notify
from range.runtime.driver import Driver, EngineError, Handle
from range.runtime.registry import get_driver
from range.sandboxes.care import Care
from range.sandboxes.launching import Launcher
from range.sandboxes.models import Sandbox, Spare
from range.sandboxes.protection import Protection, Unprotected
from range.sandboxes.queue import in_order
from range.sandboxes.services import announce, insert, next_epoch
from range.sandboxes.spares import Spares
from range.timeline.services import record

log = get_logger(__name__)

LOCK_KEY = 0x4D555354
# Evidence is collected while the sandbox still runs; past this it ends all the same.
COLLECTION_GRACE = timedelta(minutes=2)
REAP_EVERY = timedelta(seconds=15)
State, Wanted = Sandbox.State, Sandbox.Wanted
type Work = Callable[[uuid.UUID], None]


class Reconciler:
    """Moves sandbox rows and containers towards what is wanted.

    Args:
        driver_name: Which driver starts sandboxes.
        concurrency: How many launches and stops run at once.
    """

    def __init__(self, *, driver_name: str, concurrency: int) -> None:
        self._driver_name = driver_name
        self._concurrency = concurrency
        self._launching: set[Future[None]] = set()
        self._launches = ThreadPoolExecutor(concurrency, thread_name_prefix="launch")
        self._stops = ThreadPoolExecutor(concurrency, thread_name_prefix="stop")
        self._running: dict[Future[None], uuid.UUID] = {}
        self._led_from: int | None = None
        self._protection = Protection()
        self._launcher = Launcher(lambda: self._driver, protect=self._protection.ensure)
        # Of its own: whoever comes back to a paused sandbox must not wait for others' launches.
        self._cares = ThreadPoolExecutor(concurrency, thread_name_prefix="care")
        self._care = Care(
            lambda: self._driver,
            submit=partial(self._submit, self._cares),
            protect=self._protection.ensure,
        )
        self._spares = Spares()
        self._reaped_at = 0.0

    @property
    def _driver(self) -> Driver:
        return get_driver(self._driver_name)

    def run(self, ended: threading.Event) -> None:
        """Reconcile until `ended` is set; a database or engine that is away is waited for."""
        with Listener(conninfo(connection.settings_dict), "sandboxes") as listener:
            self._protect_early()
            self._care.follow(ended)
            while not ended.is_set():
                try:
                    if self._is_leader():
                        self.tick()
                except RangeError as error:
                    log.warning("reconciler.tick.waits", reason=error.reason)
                except Exception:
                    log.exception("reconciler.tick.failed")
                    close_old_connections()
                listener.wait(timedelta(seconds=settings.RANGE_SWEEP_SECONDS))
        self.close()

    def _protect_early(self) -> None:
        """Put the host's rules in place before the first launch has to wait for them."""
        try:
            self._protection.ensure()
        except Unprotected as error:
            log.error("reconciler.unprotected", detail=error.message)

    def close(self) -> None:
        """Wait for launches and stops under way."""
        self._launches.shutdown(wait=True)
        self._stops.shutdown(wait=True)
        self._cares.shutdown(wait=True)
        self._spares.close()

    def settle(self) -> None:
        """Wait until everything begun so far has ended; for tests and commands."""
        wait(list(self._running))

    def _is_leader(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s), pg_backend_pid()", [LOCK_KEY])
            row = cursor.fetchone()
        is_leader, backend = bool(row[0]), int(row[1])
        if is_leader and backend != self._led_from:
            self._led_from = backend
            self._take_over()
        return is_leader

    def _take_over(self) -> None:
        """Put back what another reconciler, or this one before a crash, left half-done."""
        self._spares.take_over()
        self._care.take_over()
        # What this one still works on is left to it, whatever happened to its connection.
        left = Sandbox.objects.exclude(pk__in=list(self._running.values()))
        left.filter(state=State.STARTING).update(state=State.REQUESTED, claimed_at=None)
        left.filter(state=State.STOPPING).update(state=State.RUNNING, wanted=Wanted.STOPPED)

    def tick(self) -> None:
        """Look at every row once and begin what is due."""
        # Launches first: somebody looks at a clock.
        for sandbox in in_order()[: self._free()]:
            if Sandbox.objects.claim(
                sandbox.pk,
                source=State.REQUESTED,
                target=State.STARTING,
                claimed_at=sandbox.claimed_at or timezone.now(),
            ):
                self._submit(self._launches, self._launcher.start, sandbox.pk)
        self._expire()
        for sandbox in self._due(State.REQUESTED, Wanted.STOPPED):
            self._end_unstarted(sandbox)
        for sandbox in self._due(State.RUNNING, Wanted.STOPPED):
            if Sandbox.objects.claim(sandbox.pk, source=State.RUNNING, target=State.STOPPING):
                announce(sandbox.attempt_id)
                self._submit(self._stops, self._stop, sandbox.pk)
        self._care.tick()
        if time.monotonic() - self._reaped_at > REAP_EVERY.total_seconds():
            self.reap()
            self._reaped_at = time.monotonic()
        self._spares.keep(self._driver, busy=bool(self._running))

    def _due(self, state: str, wanted: str) -> list[Sandbox]:
        return list(Sandbox.objects.filter(state=state, wanted=wanted).order_by("requested_at"))

    def _submit(self, pool: ThreadPoolExecutor, work: Work, pk: uuid.UUID) -> None:
        future = pool.submit(_in_own_connection, work, pk)
        self._running[future] = pk
        if pool is self._launches:
            self._launching.add(future)
        future.add_done_callback(self._ended)

    def _free(self) -> int:
        """Return how many more launches may begin; the others wait as rows, in their order."""
        return max(0, self._concurrency - len(self._launching))

    def _ended(self, future: Future[None]) -> None:
        self._running.pop(future, None)
        if future.exception() is not None:
            # Its row may stand between two states: take over what is left, as after a crash.
            self._led_from = None
        if future in self._launching:
            self._launching.discard(future)
            _wake()

    def _expire(self) -> None:
        now = timezone.now()
        over = Sandbox.objects.filter(wanted=Wanted.RUNNING, state=State.RUNNING)
        for sandbox in over.filter(expires_at__lte=now).select_related("attempt"):
            finish(sandbox.attempt_id, reason="time-over", actor="range")
        uncollected = Q(attempt__finished_at__lte=now - COLLECTION_GRACE) | Q(
            attempt__state__in=[Attempt.State.COLLECTED, Attempt.State.GRADED]
        )
        Sandbox.objects.live().filter(uncollected, wanted=Wanted.RUNNING).update(
            wanted=Wanted.STOPPED, reason="finished"
        )

    def _end_unstarted(self, sandbox: Sandbox) -> None:
        with transaction.atomic():
            moved = Sandbox.objects.claim(
                sandbox.pk, source=State.REQUESTED, target=State.STOPPED, stopped_at=timezone.now()
            )
            if moved:
                self._after_end(sandbox)

    def _stop(self, pk: uuid.UUID) -> None:
        sandbox = Sandbox.objects.select_related("attempt__exercise__version").get(pk=pk)
        try:
            if sandbox.handle:
                self._driver.stop(Handle.from_json(sandbox.handle))
        except Exception:
            # The row goes back, so the next sweep tries again.
            Sandbox.objects.claim(pk, source=State.STOPPING, target=State.RUNNING)
            raise
        with transaction.atomic():
            moved = Sandbox.objects.claim(
                pk, source=State.STOPPING, target=State.STOPPED, stopped_at=timezone.now()
            )
            if moved:
                self._after_end(sandbox)

    def _after_end(self, sandbox: Sandbox) -> None:
        attempt = sandbox.attempt
        record(
            attempt.pk,
            kind="sandbox.stopped",
            actor="range",
            payload={"sandbox": str(sandbox.pk), "reason": sandbox.reason},
        )
        notify("revocations", f"sandbox {sandbox.pk}")
        if sandbox.relaunch and attempt.state == Attempt.State.ACTIVE:
            insert(attempt, epoch=next_epoch(attempt))
        announce(attempt.pk)

    def reap(self) -> None:
        """Remove containers that no row owns, and mark rows whose containers are gone."""
        running_rows = list(Sandbox.objects.filter(state=State.RUNNING, wanted=Wanted.RUNNING))
        handles = {handle.sandbox_id: handle for handle in self._driver.running()}
        self._spares.forget_missing(handles)
        owned = {
            *Sandbox.objects.live().values_list("pk", flat=True),
            *Spare.objects.values_list("pk", flat=True),
        }
        for sandbox_id, handle in handles.items():
            if sandbox_id not in owned:
                # Engine 20.10, killed at the wrong moment, keeps empty volumes to its next start.
                tell = log.warning if handle.machines or handle.networks else log.debug
                tell("sandbox.reaped", sandbox=str(sandbox_id))
                try:
                    self._driver.stop(handle)
                except EngineError as error:
                    # The next sweep tries again; what follows here does not wait for it.
                    log.warning("sandbox.reap.failed", reason=error.message)
        for sandbox in running_rows:
            left = handles.get(sandbox.pk)
            if left is None or not (left.machines or left.networks):
                self._lose(sandbox)

    def _lose(self, sandbox: Sandbox) -> None:
        with transaction.atomic():
            moved = Sandbox.objects.claim(
                sandbox.pk,
                source=State.RUNNING,
                target=State.FAILED,
                reason="lost",
                message="The sandbox ended unexpectedly. What you proved so far is kept; "
                "launch again to go on with fresh machines.",
                stopped_at=timezone.now(),
            )
            if moved:
                record(
                    sandbox.attempt_id,
                    kind="sandbox.lost",
                    actor="range",
                    payload={"sandbox": str(sandbox.pk), "reason": "lost"},
                )
                notify("revocations", f"sandbox {sandbox.pk}")
                announce(sandbox.attempt_id)


def _in_own_connection(work: Work, pk: uuid.UUID) -> None:
    try:
        work(pk)
    except Exception:
        log.exception("reconciler.work.failed", sandbox=str(pk))
        raise
    finally:
        connection.close()


def _wake() -> None:
    """Let the reconciler look again: there is room for the next in line."""
    try:
        notify("sandboxes", "room")
    except DatabaseError:
        log.info("reconciler.wake.failed")
    finally:
        connection.close()
