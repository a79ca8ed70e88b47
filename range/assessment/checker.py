"""The checker role: judges what attempts ask for, and collects finished ones."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import Q
from django.utils import timezone

from range.assessment.collection import StillPaused, collect, run_checks
from range.console.models import Recording
from range.exercises.models import Attempt
from range.exercises.services import awaiting_checks, want_checks
from range.lib.logs import get_logger
from range.lib.notify import Listener, conninfo
from range.runtime.driver import Driver
from range.sandboxes.models import Sandbox

log = get_logger(__name__)

# A trainee who works outside a console (a web page, an editor) is looked at this often too.
SWEEP_EVERY = timedelta(seconds=20)
# Looking of one's own accord takes at most this part of the time, for each attempt.
SWEEP_SHARE = 1 / 8
WORKERS = 2
# What took longer the last time waits among its like: a class at a scenario of long conversations
# would otherwise keep everybody else waiting.
LONG_SECONDS = 3.0
# Presence is noted once a minute.
PRESENT = timedelta(minutes=3)


class Checker:
    """Runs checks of several attempts side by side, each attempt one at a time.

    Attempts at versions whose checks take long have workers of their own.

    Args:
        driver: Asked for anew by each worker thread.
    """

    def __init__(self, driver: Callable[[], Driver]) -> None:
        self._driver = driver
        self._quick = ThreadPoolExecutor(WORKERS, thread_name_prefix="check")
        self._long = ThreadPoolExecutor(WORKERS, thread_name_prefix="long-check")
        # Seconds that judging took last, by version.
        self._took: dict[uuid.UUID, float] = {}
        self._busy: dict[uuid.UUID, Future[None]] = {}

    def run(self, ended: threading.Event) -> None:
        """Judge until `ended` is set; a database or engine that is away is waited for."""
        with Listener(conninfo(connection.settings_dict), "checks") as listener:
            while not ended.is_set():
                try:
                    self.tick()
                except Exception:
                    log.exception("checker.tick.failed")
                    close_old_connections()
                listener.wait(timedelta(seconds=settings.RANGE_SWEEP_SECONDS))
        for pool in (self._quick, self._long):
            pool.shutdown(wait=True)

    def tick(self) -> None:
        """Begin what is due: finished attempts first, then those that wait for checks."""
        finishing = Attempt.objects.filter(state=Attempt.State.FINISHING)
        for attempt in finishing.select_related("exercise").order_by("finished_at"):
            self._begin(attempt, self._collect)
        self._sweep()
        for attempt in awaiting_checks():
            self._begin(attempt, self._check)

    def settle(self) -> None:
        """Wait until everything begun so far has ended; for tests and commands."""
        for future in list(self._busy.values()):
            future.result()

    def _sweep(self) -> None:
        """Ask for checks of running attempts that nobody asked for in a while.

        Where nobody is, nothing changes; asking there would keep machines from being paused.
        """
        now = timezone.now()
        somebody = Q(seen_at=None) | Q(seen_at__gte=timezone.now() - PRESENT)
        running = Sandbox.objects.filter(
            somebody,
            state=Sandbox.State.RUNNING,
            paused_at=None,
            attempt__state=Attempt.State.ACTIVE,
        ).select_related("attempt__exercise")
        watched = set(Recording.objects.filter(ended_at=None).values_list("sandbox_id", flat=True))
        for sandbox in running:
            run_at = sandbox.attempt.checks_run_at
            stale = now - self._sweep_every(sandbox.attempt)
            if sandbox.pk in watched and (run_at is None or run_at < stale):
                want_checks(sandbox.attempt_id)

    def _sweep_every(self, attempt: Attempt) -> timedelta:
        took = timedelta(seconds=self._took.get(attempt.exercise.version_id, 0.0))
        return max(SWEEP_EVERY, took / SWEEP_SHARE)

    def _begin(self, attempt: Attempt, work: Callable[[Attempt], None]) -> None:
        if attempt.pk in self._busy:
            return
        took = self._took.get(attempt.exercise.version_id, 0.0)
        pool = self._long if took > LONG_SECONDS else self._quick
        future = pool.submit(self._timed, attempt, work)
        self._busy[attempt.pk] = future
        future.add_done_callback(lambda _: self._busy.pop(attempt.pk, None))

    def _timed(self, attempt: Attempt, work: Callable[[Attempt], None]) -> None:
        began = time.monotonic()
        self._in_own_connection(attempt.pk, work)
        self._took[attempt.exercise.version_id] = time.monotonic() - began

    def _in_own_connection(self, attempt_id: uuid.UUID, work: Callable[[Attempt], None]) -> None:
        try:
            work(Attempt.objects.select_related("exercise__version", "trainee").get(pk=attempt_id))
        except StillPaused as error:
            log.warning("checker.waits", attempt=str(attempt_id), reason=error.reason)
        except Exception:
            log.exception("checker.work.failed", attempt=str(attempt_id))
        finally:
            connection.close()

    def _check(self, attempt: Attempt) -> None:
        changed = run_checks(attempt, self._driver())
        log.info("checks.run", attempt=str(attempt.pk), changed=changed)

    def _collect(self, attempt: Attempt) -> None:
        collect(attempt, self._driver())
        log.info("attempt.collected", attempt=str(attempt.pk))
