"""Starts one sandbox whose row was claimed: its machines, its progress, its failure in words."""

import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from range.catalog.services import topology_for
from range.lib import clock
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.notify import notify
from range.runtime.driver import Driver, Handle
from range.sandboxes.models import Sandbox
from range.sandboxes.services import announce
from range.sandboxes.spares import usable
from range.timeline.services import record

log = get_logger(__name__)

# An engine that was restarted is back by then; longer than this, people are told.
ENGINE_PATIENCE = timedelta(minutes=1)
ENGINE_PAUSE = timedelta(seconds=1)
State = Sandbox.State


class Launcher:
    """Carries out launches, several at a time.

    Args:
        driver: Returns what sandboxes are started on.
        protect: Closes the host to sandboxes, or raises.
    """

    def __init__(self, driver: Callable[[], Driver], *, protect: Callable[[], None]) -> None:
        self._driver = driver
        self._protect = protect

    def start(self, pk: uuid.UUID) -> None:
        """Start a sandbox's machines and move its row to where that led.

        Raises:
            OperationalError: Without the database the row stays; it is put back later.
        """
        sandbox = Sandbox.objects.select_related("attempt__exercise__version").get(pk=pk)
        began = time.monotonic()
        driver = self._driver()
        try:
            self._protect()
            # Set-up must not run twice: after a crash in the middle everything is made anew.
            Sandbox.objects.filter(pk=pk).update(prepared=None)
            topology = topology_for(
                sandbox.attempt.exercise.version, sandbox.attempt_id, sandbox.epoch
            )
            handle = driver.start(
                pk,
                topology,
                deadline=timezone.now() + settings.RANGE_LAUNCH_DEADLINE,
                progress=Progress(sandbox),
                prepared=usable(sandbox, topology, driver),
            )
        except RangeError as error:
            if error.reason != "engine-down" or not self._await_engine(sandbox):
                self._fail(sandbox, reason=error.reason, message=error.message)
            return
        except (OperationalError, InterfaceError):
            # Without the database no row can be moved; it is put back once that answers again.
            raise
        except Exception:
            log.exception("sandbox.launch.failed", sandbox=str(pk), reason="bug")
            self._fail(
                sandbox,
                reason="internal",
                message="The sandbox could not be started because of a fault in the range. "
                "Nothing of yours is lost; try again, and tell your instructor if it stays.",
            )
            return
        self._started(sandbox, handle, seconds=time.monotonic() - began)

    def _await_engine(self, sandbox: Sandbox) -> bool:
        """Let a launch begin anew in a moment; False once the engine is away for too long."""
        if timezone.now() - (sandbox.claimed_at or timezone.now()) > ENGINE_PATIENCE:
            return False
        log.warning("sandbox.launch.waits", sandbox=str(sandbox.pk), reason="engine-down")
        clock.sleep(ENGINE_PAUSE)
        return Sandbox.objects.claim(
            sandbox.pk, source=State.STARTING, target=State.REQUESTED, progress=[]
        )

    def _started(self, sandbox: Sandbox, handle: Handle, *, seconds: float) -> None:
        with transaction.atomic():
            moved = Sandbox.objects.claim(
                sandbox.pk,
                source=State.STARTING,
                target=State.RUNNING,
                handle=handle.to_json(),
                started_at=timezone.now(),
            )
            if moved:
                record(
                    sandbox.attempt_id,
                    kind="sandbox.running",
                    actor="range",
                    payload={
                        "sandbox": str(sandbox.pk),
                        "reason": "healthy",
                        "milliseconds": round(seconds * 1000),
                    },
                )
            announce(sandbox.attempt_id)
        log.info("sandbox.launch.done", sandbox=str(sandbox.pk), seconds=round(seconds, 3))

    def _fail(self, sandbox: Sandbox, *, reason: str, message: str) -> None:
        with transaction.atomic():
            moved = Sandbox.objects.claim(
                sandbox.pk,
                source=State.STARTING,
                target=State.FAILED,
                reason=reason[:48],
                message=message,
                stopped_at=timezone.now(),
            )
            if moved:
                record(
                    sandbox.attempt_id,
                    kind="sandbox.failed",
                    actor="range",
                    payload={"sandbox": str(sandbox.pk), "reason": reason},
                )
            announce(sandbox.attempt_id)
        log.warning("sandbox.launch.failed", sandbox=str(sandbox.pk), reason=reason)


class Progress:
    """Writes a launch's steps into its row, for the page to show.

    Args:
        sandbox: The sandbox being started.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._steps: list[dict[str, object]] = []
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, step: str, detail: str) -> None:
        """Note one step that has been done.

        Args:
            step: Such as `network`, `machine`, `setup` or `healthy`.
            detail: Which one.
        """
        with self._lock:
            after = round((time.monotonic() - self._began) * 1000)
            self._steps.append({"step": step, "detail": detail, "after_ms": after})
            Sandbox.objects.filter(pk=self._sandbox.pk).update(progress=self._steps)
            notify("attempt_changed", f"{self._sandbox.attempt_id} sandbox")
