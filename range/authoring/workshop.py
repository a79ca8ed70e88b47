"""The workshop role: verifies drafts and versions, and keeps authors' trials running."""

import threading
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections, connection

from range.authoring import trial_disks, trial_slot
from range.authoring.images import build_images
from range.authoring.trial_keeping import Keeping
from range.authoring.trial_slot import Drivers
from range.authoring.verifications import WORKSHOP_CHANNEL
from range.authoring.verify import Build
from range.authoring.verifying import Verifying
from range.lib.logs import get_logger
from range.lib.notify import Listener, conninfo
from range.runtime.driver import Driver
from range.runtime.registry import get_driver
from range.sandboxes.protection import Protection

log = get_logger(__name__)

# While something is under way its rows are written this often at most.
BUSY = timedelta(seconds=0.5)


class Workshop:
    """One of its kind on a machine; the engine's sandboxes of both sorts carry its own labels."""

    def __init__(self, *, drivers: Drivers | None = None, build: Build = build_images) -> None:
        self._drivers = drivers or partial(get_driver, settings.RANGE_DRIVER)
        self._build = build
        self._protection = Protection()

    def run(self, ended: threading.Event) -> None:
        """Work until `ended` is set; a database or engine that is away is waited for."""
        with Listener(conninfo(connection.settings_dict), WORKSHOP_CHANNEL) as listener:
            while not ended.is_set():
                try:
                    self._work(ended, listener)
                except Exception:
                    log.exception("workshop.failed")
                    close_old_connections()
                    ended.wait(settings.RANGE_SWEEP_SECONDS)

    def _work(self, ended: threading.Event, listener: Listener) -> None:
        locks = Path(settings.RANGE_STATE_DIR) / "trials"
        with ExitStack() as stack:
            # Held for as long as this process lives; what a killed one left is removed here.
            slot = trial_slot.slot(locks, "workshop", self._drivers)
            protect, build = self._protection.ensure, self._build
            driver = stack.enter_context(slot)
            verifying = Verifying(driver, protect=protect, build=build)
            keeping = Keeping(locks, self._drivers, protect=protect, build=build)
            keeping.take_over()
            verifying.take_over()
            look = partial(_look, verifying, keeping)
            stack.enter_context(trial_disks.watched(driver, look))
            try:
                while not ended.is_set():
                    verifying.tick()
                    keeping.tick()
                    busy = verifying.is_busy or keeping.is_busy
                    sweep = timedelta(seconds=settings.RANGE_SWEEP_SECONDS)
                    listener.wait(BUSY if busy else sweep)
            finally:
                keeping.shut()
                verifying.shut()


def _look(verifying: Verifying, keeping: Keeping, driver: Driver) -> None:
    """Bound what every machine of this role writes."""
    if verifying.is_busy:
        trial_disks.end_full(driver)
    keeping.guard_disks()
