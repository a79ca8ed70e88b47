"""Probes containment when the reconciler starts and whenever the engine came back."""

import threading
import time
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection

from range.lib import clock
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.containment.run import alone, probing_driver, run
from range.runtime.containment.verdict import breaches
from range.runtime.driver import Driver
from range.sandboxes import probe_record
from range.sandboxes.models import Sandbox
from range.sandboxes.protection import Protection, Unprotected

log = get_logger(__name__)

AGAIN_AFTER = timedelta(minutes=1)
AT_MOST = timedelta(hours=1)
# Launches under way come first, for as long as this.
QUIET_WITHIN = timedelta(seconds=20)
LOCK_WITHIN = timedelta(minutes=2)
_TURN_SECONDS = 1.0


class Probing:
    """Runs the critical probes in a thread of its own, so that no launch waits for them.

    Args:
        driver_name: Which driver starts sandboxes; only real containers are probed.
    """

    def __init__(self, *, driver_name: str) -> None:
        self._driver_name = driver_name
        self._under_way = threading.Lock()
        self._again_after = AGAIN_AFTER

    def begin(self, ended: threading.Event) -> None:
        """Probe from now on, until `ended` is set."""
        if self._driver_name != "docker":
            return
        thread = threading.Thread(target=self._keep, args=[ended], name="probing", daemon=True)
        thread.start()

    def finish(self, *, within: timedelta = timedelta(seconds=10)) -> bool:
        """Let a run that is under way remove its sandboxes; False if it does not end in time."""
        return self._under_way.acquire(timeout=within.total_seconds())

    def _keep(self, ended: threading.Event) -> None:
        cause = "start"
        while not ended.is_set():
            _wait_for_quiet(ended)
            with self._under_way:
                settled = not ended.is_set() and self.probe(cause)
            cause = self._wait(ended, settled=settled)

    def probe(self, cause: str) -> bool:
        """Run the critical probes once and keep what they found; False if a run must follow."""
        began = time.monotonic()
        state_dir = settings.RANGE_STATE_DIR
        try:
            _close_the_host()
            with alone(state_dir, within=LOCK_WITHIN):
                verdicts = run(probing_driver(self._driver_name), everything=False)
            kept = probe_record.remember(state_dir, verdicts, cause=cause)
        except RangeError as error:
            log.warning("probes.failed", cause=cause, reason=error.reason, detail=error.message)
            return self._later()
        except Exception:
            log.exception("probes.failed", cause=cause, reason="bug")
            return self._later()
        found = breaches(verdicts)
        for verdict in found:
            log.error("probes.open", probe=verdict.probe, detail=verdict.detail)
        seconds = round(time.monotonic() - began, 1)
        log.info("probes.done", cause=cause, probes=len(verdicts), open=len(found), seconds=seconds)
        if not kept:
            return self._later()
        self._again_after = AGAIN_AFTER
        return not found

    def _later(self) -> bool:
        """Wait longer each time nothing could be proven: that rarely mends itself."""
        self._again_after = min(self._again_after * 2, AT_MOST)
        return False

    def _wait(self, ended: threading.Event, *, settled: bool) -> str:
        """Wait for a reason to probe and return it; the engine's own stream ends with it."""
        until = None if settled else clock.now() + self._again_after
        driver = probing_driver(self._driver_name)
        try:
            for _ in driver.events(clock.now(), until=until):
                continue
        except Exception as error:
            # However the stream broke off, it was the engine that let it.
            log.info("probes.engine-away", error=type(error).__name__)
            until = None
        if until is not None:
            return "again"
        while not ended.wait(_TURN_SECONDS) and not _answers(driver):
            continue
        return "engine-restart"


def _close_the_host() -> None:
    """Put the host's rules in place; where that is impossible the probes say what it means."""
    try:
        Protection().close_the_host()
    except Unprotected as error:
        log.warning("probes.unprotected", detail=error.message)


def _answers(driver: Driver) -> bool:
    try:
        list(driver.running())
    except RangeError:
        return False
    return True


def _wait_for_quiet(ended: threading.Event) -> None:
    waiting = Sandbox.objects.filter(state__in=[Sandbox.State.REQUESTED, Sandbox.State.STARTING])
    end = time.monotonic() + QUIET_WITHIN.total_seconds()
    try:
        while time.monotonic() < end and waiting.exists() and not ended.wait(_TURN_SECONDS):
            continue
    except Error as error:
        log.warning("probes.not-waiting", error=type(error).__name__)
    finally:
        connection.close()
