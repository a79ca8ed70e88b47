"""Watches what machines write to their disks: warns at four fifths, stops one at its limit."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import close_old_connections, connection

from range.catalog.services import attempt_spec
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.driver import DiskLeft, Driver, Handle, MachineLook
from range.sandboxes import troubles
from range.sandboxes.models import MachineState, Sandbox

log = get_logger(__name__)

# Source: the project's isolation study, "Resources": an engine on ext4 refuses quotas, so sizes
# are looked at instead; one call for all machines.
EVERY = timedelta(seconds=30)
# Whether the host's disk is filling up costs nothing to ask; if it is, nobody waits that long.
GLANCE = timedelta(seconds=1)
MUCH = DiskLeft(free_bytes=128 << 20, files=20_000)
LOW = 0.8
# Somewhat below: a disk that hovers about the mark is not told of again and again.
FINE = 0.7
MIB = 1 << 20


class DiskWatch:
    """One thread that looks at every writable layer now and then.

    Args:
        driver: Asked for anew each time.
        look: What a look is; trainees' sandboxes are looked at unless something else is said.
    """

    def __init__(
        self, driver: Callable[[], Driver], *, look: Callable[[Driver], object] | None = None
    ) -> None:
        self._driver, self._look = driver, look or sweep

    def start(self, ended: threading.Event) -> None:
        """Watch in a thread of its own; it ends with the process or with `ended`."""
        threading.Thread(target=self.run, args=[ended], name="disks", daemon=True).start()

    def run(self, ended: threading.Event) -> None:
        """Look until `ended` is set; an engine or database that is away is waited for."""
        while not ended.is_set():
            try:
                if self._wait(ended):
                    self._look(self._driver())
            except RangeError as error:
                log.warning("disks.unseen", reason=error.reason)
                ended.wait(EVERY.total_seconds())
            except Exception:
                log.exception("disks.failed")
                close_old_connections()
                ended.wait(EVERY.total_seconds())
        connection.close()

    def _wait(self, ended: threading.Event) -> bool:
        """Wait until a look is due: in its turn, or since much was written; False at the end."""
        until = time.monotonic() + EVERY.total_seconds()
        before = self._driver().disk_left()
        while time.monotonic() < until and not ended.wait(GLANCE.total_seconds()):
            now = self._driver().disk_left()
            if before and now and is_filling(before, now):
                break
        return not ended.is_set()


def is_filling(before: DiskLeft, now: DiskLeft) -> bool:
    """Tell whether so much was written since that no turn is waited for."""
    return (
        before.free_bytes - now.free_bytes >= MUCH.free_bytes
        or before.files - now.files >= MUCH.files
    )


def sweep(driver: Driver) -> None:
    """Look at every machine's disk once, tell what is low, and stop what is full."""
    running = Sandbox.objects.filter(state=Sandbox.State.RUNNING, wanted=Sandbox.Wanted.RUNNING)
    # The files of scenarios are large, and say nothing about limits.
    rows = running.select_related("attempt__exercise__version").defer(
        "attempt__exercise__version__assets"
    )
    sandboxes = {sandbox.pk: sandbox for sandbox in rows}
    if not sandboxes:
        return
    looks = [look for look in driver.survey(sizes=True) if look.sandbox_id in sandboxes]
    for look in looks:
        _judge(sandboxes[look.sandbox_id], look)
    # By the rows: what could not be stopped the last time is stopped now.
    for look in _full(looks):
        handle = Handle.from_json(sandboxes[look.sandbox_id].handle or {})
        driver.halt(handle, look.machine)
        log.info("machine.halted", sandbox=str(look.sandbox_id), machine=look.machine)


def _judge(sandbox: Sandbox, look: MachineLook) -> None:
    attempt = sandbox.attempt
    spec = attempt_spec(attempt.exercise.version, attempt.pk, sandbox.epoch)
    if look.machine not in spec.machines or not look.is_running:
        return
    limit_bytes = spec.machines[look.machine].resources.disk_mb * MIB
    share = look.disk_bytes / limit_bytes
    if share >= 1:
        troubles.note_disk_full(look, limit_bytes=limit_bytes)
    elif share >= LOW:
        troubles.note_disk_low(look, limit_bytes=limit_bytes)
    elif share < FINE:
        troubles.forget_disk_low(look)


def _full(looks: Sequence[MachineLook]) -> list[MachineLook]:
    full: dict[tuple[uuid.UUID, str], Sandbox] = {
        (state.sandbox_id, state.machine): state.sandbox
        for state in MachineState.objects.filter(
            end_reason=MachineState.EndReason.DISK_FULL, reset=""
        ).select_related("sandbox")
    }
    return [
        look
        for look in looks
        if look.is_running
        and (sandbox := full.get((look.sandbox_id, look.machine))) is not None
        # The machine that took its place since is another container, and has a disk of its own.
        and Handle.from_json(sandbox.handle or {}).machines[look.machine].container_id
        == look.container_id
    ]
