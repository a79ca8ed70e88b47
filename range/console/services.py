"""What others may know of consoles: recordings, moments in them, and the commands typed."""

import uuid
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from range.accounts.access import Viewer, can_see_recording
from range.checks.base import TypedCommand
from range.console import cast
from range.console.looking import TAKEN_OVER_KIND, TYPED_ALONG_KIND
from range.console.models import Recording
from range.console.recorder import seal
from range.console.redacting import redactor_of
from range.console.writer import COMMAND_KIND, end_recording
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.timeline.services import events_of

log = get_logger(__name__)


class RecordingMissing(RangeError):
    """The recording's file is not where its row says."""

    def __init__(self) -> None:
        super().__init__(
            "This recording's file is missing or unreadable. Ask whoever runs the range.",
            reason="recording-missing",
            status=404,
        )


class RecordingErased(RangeError):
    """Retention erased the recording."""

    def __init__(self) -> None:
        super().__init__(
            "This recording was kept as long as this range keeps recordings, and then erased. "
            "Scores and evidence stay.",
            reason="recording-erased",
            status=410,
        )


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A point of time inside a recording."""

    recording: Recording
    offset_ms: int


class ReplayMissing(RangeError):
    """There is nothing to replay, or not for this person; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such recording for you to see.", reason="replay-missing", status=404
        )


def attempt_to_see(viewer: Viewer, attempt_id: uuid.UUID) -> Attempt:
    """Return an attempt whose recordings the viewer may see.

    Raises:
        ReplayMissing: It does not exist, or they may not.
    """
    attempt = (
        Attempt.objects.select_related("trainee", "exercise__version__scenario")
        .filter(pk=attempt_id)
        .first()
    )
    if attempt is None or not can_see_recording(viewer, attempt.trainee_id):
        raise ReplayMissing
    return attempt


def recording_to_see(viewer: Viewer, recording_id: uuid.UUID) -> Recording:
    """Return a recording that the viewer may see, with its attempt.

    Raises:
        ReplayMissing: It does not exist, or they may not.
    """
    recording = (
        Recording.objects.select_related("sandbox__attempt__exercise__version")
        .filter(pk=recording_id)
        .first()
    )
    if recording is None or not can_see_recording(viewer, recording.sandbox.attempt.trainee_id):
        raise ReplayMissing
    return recording


def recordings_folder() -> Path:
    """Return where recordings lie, by attempt."""
    return Path(settings.RANGE_STATE_DIR) / "recordings"


def recordings_of(attempt: Attempt) -> QuerySet[Recording]:
    """Return the recordings of an attempt, of all its sandboxes, in the order they began."""
    return (
        Recording.objects.filter(sandbox__attempt=attempt)
        .select_related("sandbox")
        .order_by("started_at", "pk")
    )


def moment(attempt: Attempt, at: datetime, *, machine: str = "") -> Moment | None:
    """Return where to look in the recordings for something that happened at a time.

    Of several consoles open at that time it is the one begun last; before the first and after
    an end it is the nearest moment there is.

    Args:
        machine: Only consoles of this machine, if there are any; empty for all.
    """
    recordings = list(recordings_of(attempt))
    recordings = [r for r in recordings if r.machine == machine] or recordings
    if not recordings:
        return None
    begun = bisect_right(recordings, at, key=lambda recording: recording.started_at)
    candidates = recordings[:begun] or recordings[:1]
    still_open = [r for r in candidates if r.ended_at is None or r.ended_at >= at]
    recording = still_open[-1] if still_open else max(candidates, key=_ended_at)
    latest = min(at, _ended_at(recording))
    offset = max(timedelta(), latest - recording.started_at)
    return Moment(recording=recording, offset_ms=round(offset.total_seconds() * 1000))


def typed_commands(attempt: Attempt) -> list[TypedCommand]:
    """Return the redacted commands of an attempt in the order they ended.

    What somebody else typed, or helped to type, is not the trainee's and is left out.
    """
    commands = []
    for event in events_of(attempt.pk, kinds=[COMMAND_KIND]):
        payload = event.payload
        code = payload.get("exit")
        # A payload that retention erased leaves nothing a check could look at.
        if "text" in payload and "typed_by" not in payload:
            commands.append(
                TypedCommand(
                    number=int(str(payload.get("number", 0))),
                    machine=str(payload.get("machine", "")),
                    text=str(payload["text"]),
                    exit_code=code if isinstance(code, int) else None,
                )
            )
    return commands


def others_who_typed(attempt: Attempt) -> list[str]:
    """Return the names of those who typed in an attempt's consoles beside its trainee so far."""
    typed = events_of(attempt.pk, kinds=[TYPED_ALONG_KIND, TAKEN_OVER_KIND])
    return sorted({str(event.payload.get("person", "somebody")) for event in typed})


def played(recording: Recording, *, is_owner: bool) -> cast.Cast:
    """Return a recording as a viewer may see it: secrets masked for all but its owner.

    Raises:
        RecordingErased: It was kept as long as recordings are.
        RecordingMissing: There is no readable file.
    """
    if recording.erased_at is not None:
        raise RecordingErased
    try:
        whole = cast.read(recordings_folder() / recording.path)
    except (OSError, ValueError) as error:
        log.warning("console.recording.missing", recording=str(recording.pk))
        raise RecordingMissing from error
    if is_owner:
        return whole
    attempt = recording.sandbox.attempt
    return whole.masked(redactor_of(attempt, epoch=attempt.sandboxes.count()))


def end_abandoned() -> int:
    """Seal the recordings whose writer died; return how many there were."""
    ended = 0
    for recording in Recording.objects.filter(ended_at=None).order_by("started_at"):
        path = recordings_folder() / recording.path
        try:
            found = seal(path)
            if found is None:
                continue
            last_written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError:
            log.warning("console.recording.missing", recording=str(recording.pk))
            continue
        end_recording(recording.pk, found, at=last_written)
        ended += 1
    return ended


def _ended_at(recording: Recording) -> datetime:
    return recording.ended_at or timezone.now()
