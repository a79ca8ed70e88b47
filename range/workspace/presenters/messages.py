"""What an instructor did or said, as the trainee's workspace tells it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from range.accounts.models import User
from range.exercises.models import Attempt
from range.timeline.models import Event
from range.timeline.services import events_of

SHOWN = 3
_DID = {
    "message.sent": "wrote to {whom}",
    "sandbox.extended": "extended your time",
    "sandbox.reset": "reset your machines; fresh ones start by themselves",
    "sandbox.stop": "stopped your machines",
    "attempt.finished": "finished this attempt; it is being graded",
    "exercise.extended": "moved the end of this exercise",
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """One thing to tell.

    Args:
        number: Of its event in the time line.
        text: What was written; empty where something was done.
        until: When what was extended now ends.
    """

    number: int
    title: str
    who: str
    text: str
    until: datetime | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The newest few that were not put away."""

    shown: Sequence[Message]

    @property
    def seen(self) -> str:
        """Name what is shown, so that a page that has it already is sent nothing."""
        return "-".join(str(each.number) for each in self.shown) or "none"


def messages_of(attempt: Attempt, *, dismissed: Collection[int] = ()) -> Messages:
    """Return what instructors did or said in an attempt, the newest first.

    Args:
        dismissed: Numbers of events that the trainee put away.
    """
    events = events_of(attempt.pk, kinds=_DID).filter(actor__startswith="instructor:")
    newest = list(events.exclude(seq__in=dismissed).order_by("-seq")[:SHOWN])
    people = {each.actor.partition(":")[2] for each in newest}
    names = {str(each.pk): each.shown_name for each in User.objects.filter(pk__in=people)}
    return Messages(shown=[_message(each, names) for each in newest])


def _message(event: Event, names: dict[str, str]) -> Message:
    payload = event.payload
    whom = "everybody" if payload.get("to") == "all" else "you"
    return Message(
        number=event.seq,
        title=f"Your instructor {_DID[event.kind].format(whom=whom)}",
        who=names.get(event.actor.partition(":")[2], ""),
        text=str(payload.get("text", "")),
        until=_moment(payload.get("until")),
        at=event.at,
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
