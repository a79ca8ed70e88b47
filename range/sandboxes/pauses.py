"""Pauses sandboxes that nobody is at, and resumes them when somebody is.

A pause is a moment on the row, not a state: whatever asks for sandboxes that run still finds it,
and nothing but what looks inside has to know that its machines are frozen.
"""

import time
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.notify import notify
from range.runtime.driver import Driver, Handle
from range.sandboxes.activity import TOUCH_EVERY
from range.sandboxes.models import Sandbox, SandboxQuerySet
from range.timeline.services import record

log = get_logger(__name__)

State, Wanted = Sandbox.State, Sandbox.Wanted
# Presence is noted once a minute, so what was seen may be this much older than the truth.
SLACK = 2 * TOUCH_EVERY
_WRITTEN = "attempt__exercise__version__spec__lifecycle__idle_minutes"


def due_to_resume() -> set[uuid.UUID]:
    """Return the paused sandboxes that somebody came to since."""
    paused = _running().filter(paused_at__isnull=False)
    return set(paused.filter(seen_at__gt=F("paused_at")).values_list("pk", flat=True))


def due_to_pause() -> dict[uuid.UUID, timedelta]:
    """Return the sandboxes that nobody is at, with how long nobody may be at each."""
    if not settings.RANGE_IDLE_MINUTES:
        return {}
    now = timezone.now()
    quiet = _quiet(SLACK + timedelta(minutes=1))
    rows = quiet.values_list("pk", "seen_at", "started_at", _WRITTEN)
    allowed = {
        pk: (seen_at or started_at, timedelta(minutes=float(idle or settings.RANGE_IDLE_MINUTES)))
        for pk, seen_at, started_at, idle in rows
        if seen_at or started_at
    }
    return {pk: idle for pk, (seen, idle) in allowed.items() if seen <= now - idle - SLACK}


def pause(sandbox_id: uuid.UUID, driver: Driver, *, idle: timedelta) -> bool:
    """Freeze a sandbox's machines unless somebody came meanwhile; return whether they are."""
    # The row moves first: whoever comes from here on sees that it must be resumed. Should this
    # process end before the machines are frozen, resuming them later changes nothing.
    if not _quiet(idle + SLACK).filter(pk=sandbox_id).exists():
        return False
    # Columns of the row alone: only those are looked at again if somebody touches it just now.
    same = _running().filter(_unseen(idle + SLACK), pk=sandbox_id, paused_at=None)
    if not same.update(paused_at=timezone.now()):
        return False
    sandbox = Sandbox.objects.get(pk=sandbox_id)
    try:
        driver.pause(Handle.from_json(sandbox.handle or {}))
    except RangeError as error:
        log.warning("sandbox.pause.failed", sandbox=str(sandbox_id), reason=error.reason)
        # Some machines may be frozen: as if somebody had come, all of them are thawed again.
        Sandbox.objects.filter(pk=sandbox_id).update(seen_at=timezone.now())
        return False
    minutes = round(idle.total_seconds() / 60)
    _tell(sandbox, "sandbox.paused", reason="idle", minutes=minutes)
    return True


def resume(sandbox_id: uuid.UUID, driver: Driver) -> bool:
    """Thaw a sandbox's machines if somebody came to it; return whether they were paused."""
    sandbox = _running().filter(pk=sandbox_id, paused_at__isnull=False).first()
    if sandbox is None or sandbox.seen_at is None or sandbox.paused_at is None:
        return False
    if sandbox.seen_at <= sandbox.paused_at:
        return False
    began = time.monotonic()
    try:
        driver.resume(Handle.from_json(sandbox.handle or {}))
    except RangeError as error:
        # The row stays as it is, so the next sweep tries again.
        log.warning("sandbox.resume.failed", sandbox=str(sandbox_id), reason=error.reason)
        return False
    same = Sandbox.objects.filter(pk=sandbox_id, paused_at=sandbox.paused_at)
    with transaction.atomic():
        moved = same.update(paused_at=None)
        if moved:
            milliseconds = round((time.monotonic() - began) * 1000)
            facts = {"reason": "somebody-came", "milliseconds": milliseconds}
            _tell(sandbox, "sandbox.resumed", **facts)
    return bool(moved)


def _running() -> SandboxQuerySet:
    return Sandbox.objects.filter(state=State.RUNNING, wanted=Wanted.RUNNING)


def _quiet(length: timedelta) -> SandboxQuerySet:
    """Return the sandboxes at which nobody was for so long, and which nothing else holds."""
    judged = Q(attempt__checks_wanted_at__gt=F("attempt__checks_run_at")) | Q(
        attempt__checks_wanted_at__isnull=False, attempt__checks_run_at=None
    )
    quiet = _running().filter(_unseen(length), paused_at=None)
    active = quiet.filter(attempt__state=Attempt.State.ACTIVE)
    return active.exclude(judged).exclude(machine_states__reset__in=["WANTED", "UNDERWAY"])


def _unseen(length: timedelta) -> Q:
    before = timezone.now() - length
    return Q(seen_at__lte=before) | Q(seen_at=None, started_at__lte=before)


def _tell(sandbox: Sandbox, kind: str, **facts: object) -> None:
    with transaction.atomic():
        payload = {"sandbox": str(sandbox.pk), **facts}
        record(sandbox.attempt_id, kind=kind, actor="range", payload=payload)
        notify("attempt_changed", f"{sandbox.attempt_id} sandbox")
