"""The moments of an attempt worth going back to, in order, with links into the replay."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from range.assessment.services import objectives_for
from range.checks.base import Outcome
from range.console.services import moment, recordings_of
from range.exercises.models import Attempt
from range.timeline.models import Event
from range.timeline.services import events_of
from range.workspace import wording
from range.workspace.presenters.attempt import url_or_nothing

SHOWN = 60
# Kind of event: symbol and words; what is not listed is for the replay, not for the debrief.
_KINDS: Mapping[str, tuple[str, str]] = {
    "attempt.begun": ("play", "Attempt begun"),
    "sandbox.running": ("network", "Machines ready"),
    "sandbox.reset": ("reset", "Machines reset"),
    "sandbox.lost": ("alert", "Machines ended unexpectedly"),
    "sandbox.machine_died": ("alert", "A machine ended unexpectedly"),
    "sandbox.machine_reset": ("reset", "A machine reset"),
    "sandbox.out_of_memory": ("alert", "A machine ran out of memory"),
    "sandbox.disk_full": ("alert", "A machine stopped, as its disk was full"),
    "sandbox.paused": ("clock", "Machines paused, as nobody was there"),
    "sandbox.extended": ("extend", "Time extended"),
    "console.typed_along": ("person", "An instructor typed along"),
    "console.taken_over": ("person", "An instructor took over the terminal"),
    "hint.unlocked": ("tutor", "Hint taken: {objective}"),
    "evidence.recorded": ("check", "Check met: {objective}"),
    "submission.refused": ("cross", "Answer not accepted: {objective}"),
    "integrity.foreign_flag": ("alert", "A flag of another attempt was handed in"),
    "attempt.finished": ("finish", "Attempt finished"),
    "review.corrected": ("person", "An instructor corrected a judgement of written work"),
    "review.decided": ("person", "An instructor judged written work"),
    "appeal.raised": ("person", "The trainee contested evidence"),
    "appeal.answered": ("person", "An instructor answered what was contested"),
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One thing that happened.

    Args:
        offset: Time since the attempt began, as a clock shows it.
    """

    offset: str
    icon: str
    text: str
    url: str


def moments_of(attempt: Attempt) -> list[Moment]:
    """Return the moments of an attempt in order."""
    titles = {each.key: each.title for each in objectives_for(attempt)}
    recorded = recordings_of(attempt).exists()
    replay = url_or_nothing("replay", attempt.pk) if recorded else ""
    told = [event for event in events_of(attempt.pk, kinds=_KINDS) if _is_worth_telling(event)]
    moments = [_moment(event, attempt, titles, replay) for event in told]
    # Several checks of one objective met at once are one moment to a reader.
    return [next(same) for _, same in groupby(moments, key=lambda each: each.text)][:SHOWN]


def _is_worth_telling(event: Event) -> bool:
    # What was not met is told by the evidence itself; as moments it would drown the rest.
    return event.kind != "evidence.recorded" or event.payload.get("outcome") == Outcome.MET


def _moment(event: Event, attempt: Attempt, titles: Mapping[str, str], replay: str) -> Moment:
    icon, words = _KINDS[event.kind]
    key = str(event.payload.get("objective") or "")
    since = event.at - attempt.started_at
    return Moment(
        offset=wording.clock(since),
        icon=icon,
        text=words.format(objective=titles.get(key, key or "unknown")).removesuffix(": unknown"),
        url=_moment_url(event, attempt, replay),
    )


def _moment_url(event: Event, attempt: Attempt, replay: str) -> str:
    seen = moment(attempt, event.at) if replay else None
    return f"{replay}?recording={seen.recording.pk}&at={seen.offset_ms}" if seen else ""
