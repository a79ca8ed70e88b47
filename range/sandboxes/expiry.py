"""Warns of the end of a sandbox's time some minutes before, once for each end."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from range.exercises.models import Attempt
from range.lib.notify import notify
from range.sandboxes.models import Sandbox
from range.timeline.services import record

WARN_BEFORE = timedelta(minutes=10)


def warn() -> int:
    """Warn of every end that is near and was not warned of; return how many those are.

    An extension moves the end, and so brings another warning before the new one.
    """
    now = timezone.now()
    near = Sandbox.objects.filter(
        state=Sandbox.State.RUNNING,
        wanted=Sandbox.Wanted.RUNNING,
        attempt__state=Attempt.State.ACTIVE,
        expires_at__gt=now,
        expires_at__lte=now + WARN_BEFORE,
    )
    return sum(_warn(sandbox) for sandbox in near.exclude(expiry_told_for=F("expires_at")))


def _warn(sandbox: Sandbox) -> bool:
    end = sandbox.expires_at
    with transaction.atomic():
        same = Sandbox.objects.filter(pk=sandbox.pk, expires_at=end).exclude(expiry_told_for=end)
        moved = same.update(expiry_told_for=end)
        if moved:
            payload = {
                "sandbox": str(sandbox.pk),
                "reason": "time-nearly-over",
                "until": end.isoformat(timespec="seconds"),
            }
            record(sandbox.attempt_id, kind="sandbox.expiring", actor="range", payload=payload)
            notify("attempt_changed", f"{sandbox.attempt_id} sandbox")
    return bool(moved)
