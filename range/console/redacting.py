"""Knows the secrets of an attempt, for what is written down and what others are shown."""

from range.catalog.values import secrets_of
from range.console.redaction import Redactor
from range.exercises.models import Attempt


def redactor_of(attempt: Attempt, *, epoch: int) -> Redactor:
    """Return what replaces the secrets of an attempt, of its sandboxes up to `epoch`."""
    return Redactor(secrets_of(attempt.exercise.version, attempt.pk, epoch))
