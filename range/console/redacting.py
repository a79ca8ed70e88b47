"""Knows the secrets of an attempt, for what is written down and what others are shown."""

from range.catalog.services import secrets_of
from range.console.redaction import Redactor
from range.exercises.models import Attempt


def redactor_of(attempt: Attempt, *, epochs: int) -> Redactor:
    """Return what replaces the secrets of an attempt, of all its sandboxes so far.

    Args:
        epochs: How many sandboxes the attempt has had; each has secrets of its own.
    """
    known: dict[str, str] = {}
    for epoch in range(1, epochs + 1):
        known |= secrets_of(attempt.exercise.version, attempt.pk, epoch)
    return Redactor(known)
