"""Looks after sandboxes that run: what the reconciler does beside starting and stopping them."""

import threading
import uuid
from collections.abc import Callable

from range.lib.notify import notify
from range.runtime.driver import Driver
from range.sandboxes import expiry, machine_resets, pauses
from range.sandboxes.disks import DiskWatch
from range.sandboxes.watch import Watch

type Submit = Callable[[Callable[[uuid.UUID], None], uuid.UUID], None]


class Care:
    """Everything that happens to a sandbox between its launch and its end.

    What is done to one sandbox is done one thing at a time; sandboxes do not wait for each other.

    Args:
        driver: Asked for anew each time, in whichever thread needs it.
        submit: Has work on one sandbox done in the reconciler's pool.
        protect: Refuses while the host would be open to what is started.
    """

    def __init__(
        self, driver: Callable[[], Driver], *, submit: Submit, protect: Callable[[], None]
    ) -> None:
        self._driver = driver
        self._submit = submit
        self._protect = protect
        self._watch = Watch(driver)
        self._disks = DiskWatch(driver)
        self._busy: set[uuid.UUID] = set()
        self._lock = threading.Lock()

    def follow(self, ended: threading.Event) -> None:
        """Begin to follow the engine's events and the machines' disks until `ended` is set."""
        self._watch.start(ended)
        self._disks.start(ended)

    def take_over(self) -> None:
        """Put back what another reconciler, or this one before a crash, left half-done."""
        with self._lock:
            busy = set(self._busy)
        machine_resets.take_over(besides=busy)

    def tick(self) -> None:
        """Look at the rows once and begin what is due."""
        expiry.warn()
        for sandbox_id in self._due():
            with self._lock:
                if sandbox_id in self._busy:
                    continue
                self._busy.add(sandbox_id)
            self._submit(self._attend, sandbox_id)

    def _due(self) -> set[uuid.UUID]:
        return pauses.due_to_resume() | machine_resets.due() | pauses.due_to_pause().keys()

    def _attend(self, sandbox_id: uuid.UUID) -> None:
        driver = self._driver()
        try:
            pauses.resume(sandbox_id, driver)
            machine_resets.carry_out(sandbox_id, driver, protect=self._protect)
            idle = pauses.due_to_pause().get(sandbox_id)
            if idle is not None:
                pauses.pause(sandbox_id, driver, idle=idle)
        finally:
            with self._lock:
                self._busy.discard(sandbox_id)
        # What became due while this went on was passed over; a sandbox that was paused in the
        # moment in which somebody came must not stay so until the next sweep.
        if sandbox_id in pauses.due_to_resume():
            notify("sandboxes", str(sandbox_id))
