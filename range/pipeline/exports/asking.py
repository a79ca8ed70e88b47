"""Who may take evidence away, and the record of it that the person sees."""

import uuid
from collections.abc import Sequence

from django.db.models import QuerySet

from range.accounts.access import can_see_attempt, can_view_skills, record_access
from range.accounts.models import User
from range.assessment.models import Evidence
from range.exercises.models import Attempt, Exercise
from range.lib.errors import RangeError
from range.pipeline.evidence_lines import with_context
from range.pipeline.exports.evidence_file import evidence_file
from range.pipeline.log import COUNTED_STATES
from range.pipeline.profile import Asked, PersonMissing, Profile, profile


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


def profile_to_take(viewer: User, person_id: uuid.UUID, *, asked: Asked, what: str) -> Profile:
    """Return what a person's page shows, to be taken along in another form.

    Raises:
        PersonMissing: There is no such person for this viewer.
        NothingToExport: Nothing is finished yet.
    """
    person = subject_for(viewer, person_id, what=what)
    found = profile(person, viewer=viewer, asked=asked)
    if not found.attempts:
        raise NothingToExport
    return found


def attempts_of(asked: Profile) -> Sequence[Attempt]:
    """Return the finished attempts behind a profile, oldest first."""
    rows = _finished().filter(trainee=asked.person)
    if asked.assessed_only:
        rows = rows.filter(exercise__policy=Exercise.Policy.ASSESSED)
    return list(rows.order_by("started_at", "pk"))


def records_of(asked: Profile) -> Sequence[Evidence]:
    """Return the records behind a profile that no correction supersedes, newest first."""
    rows = Evidence.objects.filter(attempt__in=attempts_of(asked), superseded_by=None)
    known = with_context(rows).select_related("content", "judged_by")
    return list(known.order_by("-observed_at", "pk"))


def _finished() -> QuerySet[Attempt]:
    rows = Attempt.objects.filter(state__in=COUNTED_STATES)
    return rows.select_related("exercise__version__scenario", "trainee")
