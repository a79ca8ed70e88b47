"""Who may take evidence away, and the record of it that the person sees."""

import uuid

from django.db.models import QuerySet

from range.accounts.access import can_see_attempt, can_view_skills, record_access
from range.accounts.models import User
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.pipeline.exports.evidence_file import evidence_file
from range.pipeline.log import COUNTED_STATES
from range.pipeline.profile import PersonMissing


class NothingToExport(RangeError):
    """There is no finished attempt to hand on."""

    def __init__(self) -> None:
        super().__init__(
            "There is no finished attempt yet, so there is no evidence to take along.",
            reason="export-empty",
            status=404,
        )


def subject_for(viewer: User, person_id: uuid.UUID, *, what: str) -> User:
    """Return a person whose skills the viewer may take away, and write down that they did.

    Raises:
        PersonMissing: There is no such person for this viewer.
    """
    person = User.objects.filter(pk=person_id, is_active=True).first()
    if person is None or not can_view_skills(viewer, person.pk):
        raise PersonMissing
    record_access(viewer, subject_id=person.pk, what=f"took along: {what}")
    return person


def evidence_of_person(viewer: User, person_id: uuid.UUID) -> tuple[User, bytes]:
    """Return a person, and all their finished attempts as one signed file.

    Raises:
        PersonMissing: There is no such person for this viewer.
        NothingToExport: Nothing is finished yet.
        ExportRefused: Some evidence does not verify.
    """
    person = subject_for(viewer, person_id, what="all evidence, signed")
    attempts = list(_finished().filter(trainee=person).order_by("started_at", "pk"))
    if not attempts:
        raise NothingToExport
    with_talk = can_see_attempt(viewer, person.pk)
    return person, evidence_file(attempts, person=person, with_talk=with_talk, with_estimates=True)


def evidence_of_attempt(viewer: User, attempt_id: uuid.UUID) -> tuple[User, bytes]:
    """Return one finished attempt as a signed file, and whose it is.

    Raises:
        PersonMissing: There is no such attempt for this viewer.
        ExportRefused: Its evidence does not verify.
    """
    attempt = _finished().filter(pk=attempt_id).first()
    if attempt is None:
        raise PersonMissing
    title = attempt.exercise.version.scenario.title
    person = subject_for(viewer, attempt.trainee_id, what=f"evidence of {title}, signed")
    with_talk = can_see_attempt(viewer, person.pk)
    data = evidence_file([attempt], person=person, with_talk=with_talk, with_estimates=False)
    return person, data


def _finished() -> QuerySet[Attempt]:
    rows = Attempt.objects.filter(state__in=COUNTED_STATES)
    return rows.select_related("exercise__version__scenario", "trainee")
