"""Events of an attempt as checks see them: what the range recorded, with the facts they name."""

from typing import get_args

from range.checks.base import Happening
from range.checks.temporal import EventKind
from range.exercises.models import Attempt
from range.timeline.services import events_of

_FACTS = ("objective", "check", "outcome", "machine", "text")


def happenings(attempt: Attempt) -> list[Happening]:
    """Return the events of an attempt that a check may ask about, in order."""
    return [
        Happening(
            number=event.seq,
            at=event.at,
            kind=event.kind,
            facts={name: str(body[name]) for name in _FACTS if name in (body := event.payload)},
        )
        for event in events_of(attempt.pk, kinds=get_args(EventKind))
    ]
