"""What the replay page shows: an attempt's recordings and events on one line of time."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from range.console import event_words
from range.console.models import Recording
from range.console.services import recordings_of
from range.console.writer import COMMAND_KIND
from range.exercises.models import Attempt
from range.timeline.models import Event
from range.timeline.services import events_of


@dataclass(frozen=True, kw_only=True)
class Crumb:
    """One step of the way back."""

    label: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A recording one can play, from when to when of its attempt."""

    id: str
    label: str
    url: str
    starts_ms: int
    ends_ms: int


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An event as the page lists it; times in milliseconds since the attempt began."""

    seq: int
    at_ms: int
    when: datetime
    clock: str
    group: str
    label: str
    note: str
    recording: str
    offset_ms: int


@dataclass(frozen=True, kw_only=True)
class ReplayPage:
    """Everything the replay page needs."""

    title: str
    trainee: str
    started_at: datetime
    is_owner: bool
    crumbs: tuple[Crumb, ...]
    recordings: tuple[Choice, ...]
    events: tuple[Shown, ...]
    start: Mapping[str, object]

    @property
    def data(self) -> dict[str, object]:
        """Return what the player reads."""
        return {
            "recordings": [
                {
                    "id": each.id,
                    "url": each.url,
                    "starts": each.starts_ms,
                    "ends": each.ends_ms,
                }
                for each in self.recordings
            ],
            "events": [
                {
                    "seq": each.seq,
                    "at": each.at_ms,
                    "group": each.group,
                    "label": each.label,
                    "recording": each.recording,
                    "offset": each.offset_ms,
                }
                for each in self.events
            ],
            "start": dict(self.start),
        }


def replay_page(
    attempt: Attempt, *, is_owner: bool, recording: str = "", machine: str = "", at_ms: int = 0
) -> ReplayPage:
    """Gather an attempt's replay, beginning at a moment.

    Args:
        recording: Id of the recording that `at_ms` counts in; empty, or unknown, counts from the
            attempt's beginning.
        machine: Without a recording: prefer consoles of this machine.
    """
    recordings = list(recordings_of(attempt).filter(erased_at=None))
    titles = {each.key: each.title for each in attempt.version.objectives.order_by("position")}
    return ReplayPage(
        title=attempt.version.scenario.title,
        trainee=attempt.trainee.shown_name,
        started_at=attempt.started_at,
        is_owner=is_owner,
        crumbs=tuple(_crumbs(attempt, is_owner=is_owner)),
        recordings=tuple(_choice(each, attempt) for each in recordings),
        events=tuple(_shown(event, attempt, titles) for event in events_of(attempt.pk)),
        start=_start(recordings, attempt, recording=recording, machine=machine, at_ms=at_ms),
    )


def _start(
    recordings: list[Recording], attempt: Attempt, *, recording: str, machine: str, at_ms: int
) -> dict[str, object]:
    if any(str(each.pk) == recording for each in recordings):
        return {"recording": recording, "at": at_ms}
    fitting = [each for each in recordings if each.machine == machine] or recordings
    if not fitting:
        return {"recording": "", "at": 0}
    begun = [each for each in fitting if _since(attempt, each.started_at) <= at_ms]
    chosen = begun[-1] if begun else fitting[0]
    offset = max(0, at_ms - _since(attempt, chosen.started_at))
    return {"recording": str(chosen.pk), "at": offset}


def _crumbs(attempt: Attempt, *, is_owner: bool) -> list[Crumb]:
    if not is_owner:
        return []
    name = "workspace" if attempt.state == Attempt.State.ACTIVE else "debrief"
    try:
        href = reverse(name, args=[attempt.pk])
    except NoReverseMatch:
        return []
    return [Crumb(label=attempt.version.scenario.title, href=href)]


def _choice(recording: Recording, attempt: Attempt) -> Choice:
    starts_ms = _since(attempt, recording.started_at)
    console = "" if recording.console == "main" else f" {recording.console}"
    return Choice(
        id=str(recording.pk),
        label=f"{recording.machine}{console} from {_clock(starts_ms)}",
        url=reverse("recording", args=[recording.pk]),
        starts_ms=starts_ms,
        ends_ms=max(starts_ms + 1, _since(attempt, recording.ended_at or timezone.now())),
    )


def _shown(event: Event, attempt: Attempt, titles: Mapping[str, str]) -> Shown:
    payload = event.payload
    at_ms = _since(attempt, event.at)
    offset = payload.get("offset_ms")
    return Shown(
        seq=event.seq,
        at_ms=at_ms,
        when=event.at,
        clock=_clock(at_ms),
        group="command" if event.kind == COMMAND_KIND else event.kind.partition(".")[0],
        label=event_words.label(event),
        note=event_words.note(event, titles),
        recording=_recording_id(payload.get("recording")),
        offset_ms=offset if isinstance(offset, int) else 0,
    )


def _recording_id(value: object) -> str:
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        return ""


def _since(attempt: Attempt, at: datetime) -> int:
    return round((at - attempt.started_at).total_seconds() * 1000)


def _clock(ms: int) -> str:
    seconds = max(0, ms) // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    rest = f"{minutes:02}:{seconds % 60:02}"
    return f"{hours}:{rest}" if hours else rest
