"""Knows the secrets of an attempt, for what is written down and what others are shown."""

import uuid
from weakref import WeakValueDictionary

from range.catalog.values import secrets_of
from range.console.redaction import Redactor
from range.exercises.models import Attempt

# All consoles of an attempt share one: its patterns are a third of what a console keeps.
_made = WeakValueDictionary[tuple[uuid.UUID, int], Redactor]()


def redactor_of(attempt: Attempt, *, epoch: int) -> Redactor:
    """Return what replaces the secrets of an attempt, of its sandboxes up to `epoch`."""
    key = attempt.pk, epoch
    if (made := _made.get(key)) is None:
        made = _made[key] = Redactor(secrets_of(attempt.exercise.version, attempt.pk, epoch))
    return made
