"""Erases recordings: decided by retention with a signed tombstone, carried out by their owner."""

from django.utils import timezone

from range.console.models import Recording
from range.console.services import recordings_folder
from range.lib.logs import get_logger
from range.timeline import tombstones

log = get_logger(__name__)


def subject_of(recording: Recording) -> dict[str, object]:
    """Return what a tombstone in the place of a recording must speak of."""
    return {
        "attempt": str(recording.sandbox.attempt_id),
        "recording": str(recording.pk),
        "sha256": recording.sha256,
        "size_bytes": recording.size_bytes,
    }


def erase(recording: Recording, *, reason: str, actor: str) -> None:
    """Decide that an ended recording is gone: nobody can play it from now on.

    Raises:
        KeyringBroken: Nothing can be signed; nothing was erased then.
    """
    stone, at = tombstones.carve(subject_of(recording), reason=reason, actor=actor)
    Recording.objects.filter(pk=recording.pk, erased_at=None).update(erased_at=at, tombstone=stone)


def remove_erased() -> int:
    """Remove the files of erased recordings; return how many.

    Only the role that writes recordings may remove them, so it does what others decided.
    """
    removed = 0
    for row in Recording.objects.filter(erased_at__isnull=False, removed_at=None):
        try:
            (recordings_folder() / row.path).unlink(missing_ok=True)
        except OSError as error:
            log.warning("console.recording.stays", recording=str(row.pk), error=str(error)[:200])
            continue
        Recording.objects.filter(pk=row.pk).update(removed_at=timezone.now())
        removed += 1
    return removed
