"""Follows the engine's events, and finds machines that ended while nobody could follow."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import close_old_connections, connection
from django.utils import timezone

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.driver import Driver
from range.sandboxes import troubles
from range.sandboxes.models import Sandbox

log = get_logger(__name__)

# Events are followed in spans of this length; after each one all machines are looked at, because
# an engine forgets its events when it restarts, and keeps few of them at any time.
SPAN = timedelta(seconds=15)
PAUSE_SECONDS = 2.0


class Watch:
    """One thread that turns what the engine notices into rows and events of the timeline.

    Nothing is lost with it: whoever follows again begins at the start of the oldest sandbox,
    and what was told already is not told twice.

    Args:
        driver: Asked for anew after every break.
    """

    def __init__(self, driver: Callable[[], Driver]) -> None:
        self._driver = driver

    def start(self, ended: threading.Event) -> None:
        """Follow in a thread of its own; it ends with the process or with `ended`."""
        threading.Thread(target=self.run, args=[ended], name="watch", daemon=True).start()

    def run(self, ended: threading.Event) -> None:
        """Follow until `ended` is set; an engine or database that is away is waited for."""
        since: datetime | None = None
        span = timedelta(0)
        while not ended.is_set():
            try:
                since = self.follow(since or _oldest_start(), until=timezone.now() + span)
                span = SPAN
            except RangeError as error:
                log.warning("watch.broken", reason=error.reason)
                span = timedelta(0)
                ended.wait(PAUSE_SECONDS)
            except Exception:
                log.exception("watch.failed")
                span = timedelta(0)
                close_old_connections()
                ended.wait(PAUSE_SECONDS)
        connection.close()

    def follow(self, since: datetime, *, until: datetime) -> datetime:
        """Take in what happened up to `until`, then look whether a machine ended unnoticed.

        Returns:
            From when to go on: the last event taken in may come again.
        """
        driver = self._driver()
        for event in driver.events(since, until=until):
            troubles.note(event)
            since = max(since, event.at)
        running = troubles.machines_supposed_to_run()
        if running:
            troubles.note_ended(running, driver.survey())
        return since


def _oldest_start() -> datetime:
    running = Sandbox.objects.filter(state=Sandbox.State.RUNNING).exclude(started_at=None)
    oldest = running.order_by("started_at").values_list("started_at", flat=True).first()
    return oldest or timezone.now()
