"""Who may ask the tutor and who may read what it said."""

import uuid

from django.contrib.auth.models import AnonymousUser

from range.accounts.access import can_see_attempt, can_steer_tutor, can_work_in_attempt
from range.accounts.models import User
from range.exercises.models import Attempt
from range.exercises.services import AttemptMissing
from range.lib.errors import RangeError
from tutor.models import Hint


class HintMissing(RangeError):
    """The hint or citation does not exist in this attempt."""

    def __init__(self) -> None:
        super().__init__("That hint is not here any more.", reason="hint-missing", status=404)


def readable_attempt(viewer: User | AnonymousUser, attempt_id: uuid.UUID) -> Attempt:
    """Return an attempt that the viewer may read: the trainee's own, or of their school.

    Raises:
        AttemptMissing: It does not exist, or is nothing to the viewer.
    """
    attempt = (
        Attempt.objects.select_related("exercise__version__scenario", "trainee")
        .filter(pk=attempt_id)
        .first()
    )
    if attempt is None or not can_see_attempt(viewer, attempt.trainee_id):
        raise AttemptMissing
    return attempt


def may_ask(viewer: User | AnonymousUser, attempt: Attempt) -> bool:
    """Only the trainee asks."""
    return can_work_in_attempt(viewer, attempt.trainee_id)


def may_read_hints(viewer: User | AnonymousUser, attempt: Attempt) -> bool:
    """What the tutor said is the trainee's and the exercise's school's: it may quote its texts."""
    theirs = attempt.exercise.organisation_id
    return may_ask(viewer, attempt) or can_steer_tutor(viewer, theirs)


def own_hint(viewer: User | AnonymousUser, attempt_id: uuid.UUID, hint_id: uuid.UUID) -> Hint:
    """Return a hint that the viewer asked for.

    Raises:
        AttemptMissing: The attempt does not exist, or is nothing to the viewer.
        HintMissing: The attempt has no such hint, or somebody else asked.
    """
    hint = readable_hint(viewer, attempt_id, hint_id)
    if not may_ask(viewer, hint.attempt):
        raise HintMissing
    return hint


def readable_hint(viewer: User | AnonymousUser, attempt_id: uuid.UUID, hint_id: uuid.UUID) -> Hint:
    """Return a hint that the viewer may read.

    Raises:
        AttemptMissing: The attempt does not exist, or is nothing to the viewer.
        HintMissing: The attempt has no such hint, or it is another school's to read.
    """
    attempt = readable_attempt(viewer, attempt_id)
    hint = Hint.objects.filter(pk=hint_id, attempt=attempt).first()
    if hint is None or not may_read_hints(viewer, attempt):
        raise HintMissing
    hint.attempt = attempt
    return hint
