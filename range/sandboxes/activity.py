"""Notes that somebody is at a sandbox, and has a paused one resumed for them."""

import time
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from range.lib.notify import notify
from range.sandboxes.models import Sandbox, SandboxQuerySet

# Being at a sandbox is written down this often at most: presence is no reason for many writes.
TOUCH_EVERY = timedelta(minutes=1)
LOOK_SECONDS = 0.05


def touch(sandbox_ids: Iterable[uuid.UUID]) -> None:
    """Note that somebody is at these sandboxes; those that are paused are resumed."""
    _touch(Sandbox.objects.filter(pk__in=set(sandbox_ids)))


def touch_attempt(attempt_id: uuid.UUID) -> None:
    """Note that somebody is at an attempt's sandbox; if it is paused it is resumed."""
    _touch(Sandbox.objects.filter(attempt=attempt_id))


def is_awake(sandbox_id: uuid.UUID) -> bool:
    """Tell whether a sandbox is not paused."""
    return not Sandbox.objects.filter(pk=sandbox_id, paused_at__isnull=False).exists()


def awake(sandbox_id: uuid.UUID, *, within: timedelta) -> bool:
    """Have a sandbox resumed if it is paused, and wait for that.

    Returns:
        Whether it can be used now; for some minutes from here on nobody pauses it.
    """
    touch([sandbox_id])
    end = time.monotonic() + within.total_seconds()
    while not is_awake(sandbox_id):
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _touch(sandboxes: SandboxQuerySet) -> None:
    now = timezone.now()
    running = sandboxes.filter(state=Sandbox.State.RUNNING)
    stale = Q(seen_at=None) | Q(seen_at__lte=now - TOUCH_EVERY)
    asleep = Q(paused_at__isnull=False) & Q(seen_at__lte=F("paused_at"))
    # Later than a pause that began between this process's look at the clock and its update;
    # the database takes the greater one of those that there are.
    seen_at = Greatest(Value(now), F("paused_at") + timedelta(microseconds=1))
    if running.filter(stale | asleep).update(seen_at=seen_at):
        for attempt_id in running.filter(paused_at__isnull=False).values_list("attempt", flat=True):
            notify("sandboxes", str(attempt_id))
