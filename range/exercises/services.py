"""Open exercises, begin attempts, and move them from one state to the next."""

import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from range.accounts.access import Viewer, can_work_in_attempt
from range.accounts.models import Membership, Organisation, User
from range.catalog.models import ScenarioVersion
from range.exercises.models import Attempt, Exercise
from range.exercises.windows import refuse_to_begin
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.timeline.services import record

# A finished command asks for checks at most this often, so that typing fast costs nothing.
CHECKS_DEBOUNCE = timedelta(seconds=2)


class AttemptMissing(RangeError):
    """The attempt does not exist, or not for this person; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such attempt of yours. Open it from the catalogue again.",
            reason="attempt-missing",
            status=404,
        )


class AttemptClosed(RangeError):
    """The attempt no longer takes what was asked of it."""

    def __init__(self) -> None:
        super().__init__(
            "This attempt is finished, so it takes no more changes. "
            "Start a new attempt from the scenario's page.",
            reason="attempt-closed",
            status=409,
        )


def open_practice(version: ScenarioVersion) -> int:
    """Offer a published version for practice; return how many offers are new.

    The range's own scenarios are for every school, an organisation's for itself.
    """
    schools = Organisation.objects.filter(kind=Organisation.Kind.SCHOOL).order_by("slug")
    if version.scenario.owner_id is not None:
        schools = schools.filter(pk=version.scenario.owner_id)
    offers = [
        Exercise.objects.get_or_create(
            version=version,
            organisation=school,
            cohort=None,
            policy=Exercise.Policy.PRACTICE,
        )[1]
        for school in schools
    ]
    return sum(offers)


def offered_to(person: User) -> QuerySet[Exercise]:
    """Return the open exercises of the person's organisations, newest version of each scenario."""
    now = timezone.now()
    memberships = person.memberships.exclude(role=Membership.Role.ASSESSOR)
    newest = ScenarioVersion.objects.latest_per_scenario().values("pk")
    return (
        Exercise.objects.filter(organisation__in=memberships.values("organisation"))
        .filter(
            Q(cohort=None) | Q(cohort__in=memberships.values("cohort"), cohort__archived_at=None)
        )
        .filter(opens_at__lte=now)
        .filter(Q(closes_at=None) | Q(closes_at__gt=now))
        .filter(version__in=newest, version__scenario__retired_at=None)
        .select_related("version__scenario", "organisation")
        .order_by("version__scenario__title", "opens_at")
    )


def begin(trainee: User, exercise: Exercise) -> Attempt:
    """Return the trainee's open attempt at an exercise, beginning one if there is none.

    A double click or a retry gives the same attempt.

    Raises:
        ExerciseRefused: There is none, and the window or the attempts allowed let none begin.
    """
    try:
        with transaction.atomic():
            attempt = Attempt.objects.open().filter(trainee=trainee, exercise=exercise).first()
            if attempt is None:
                refuse_to_begin(trainee, exercise)
                attempt = Attempt.objects.create(trainee=trainee, exercise=exercise)
                record(
                    attempt.pk,
                    kind="attempt.begun",
                    actor=f"trainee:{trainee.pk}",
                    payload={"scenario": exercise.version.digest, "policy": exercise.policy},
                )
    except IntegrityError:
        # Another request of the same trainee was faster by a moment.
        attempt = Attempt.objects.open().get(trainee=trainee, exercise=exercise)
    # Both are known already; nobody needs to ask the database for them again.
    attempt.trainee, attempt.exercise = trainee, exercise
    return attempt


def attempt_of(viewer: Viewer, attempt_id: uuid.UUID) -> Attempt:
    """Return the viewer's own attempt.

    Raises:
        AttemptMissing: It does not exist or belongs to somebody else.
    """
    attempt = (
        Attempt.objects.select_related("exercise__version__scenario", "trainee")
        .filter(pk=attempt_id)
        .first()
    )
    if attempt is None or not can_work_in_attempt(viewer, attempt.trainee_id):
        raise AttemptMissing
    return attempt


def active_attempt_of(viewer: Viewer, attempt_id: uuid.UUID) -> Attempt:
    """Return the viewer's own attempt while it is in progress.

    Raises:
        AttemptMissing: It does not exist or belongs to somebody else.
        AttemptClosed: It is finished.
    """
    attempt = attempt_of(viewer, attempt_id)
    if attempt.state != Attempt.State.ACTIVE:
        raise AttemptClosed
    return attempt


def want_checks(attempt_id: uuid.UUID) -> bool:
    """Ask the checker to look at an attempt; False if it was asked a moment ago."""
    now = timezone.now()
    due = Q(checks_wanted_at=None) | Q(checks_wanted_at__lte=now - CHECKS_DEBOUNCE)
    asked = (
        Attempt.objects.filter(due, pk=attempt_id, state=Attempt.State.ACTIVE).update(
            checks_wanted_at=now
        )
        == 1
    )
    if asked:
        notify("checks", str(attempt_id))
    return asked


def awaiting_checks() -> QuerySet[Attempt]:
    """Return attempts whose checks are wanted and not yet run since, oldest wish first."""
    unseen = Q(checks_run_at=None) | Q(checks_run_at__lt=F("checks_wanted_at"))
    return (
        Attempt.objects.filter(state=Attempt.State.ACTIVE)
        .exclude(checks_wanted_at=None)
        .filter(unseen)
        .select_related("exercise__version")
        .order_by("checks_wanted_at")
    )


def finish(attempt_id: uuid.UUID, *, reason: str, actor: str) -> bool:
    """Close an attempt to further work and have its evidence collected.

    Args:
        reason: `finished` by the trainee, `time-over`, or `by-instructor`.

    Returns:
        Whether this call closed it; a second press closes nothing and breaks nothing.
    """
    with transaction.atomic():
        closed = Attempt.objects.claim(
            attempt_id,
            source=Attempt.State.ACTIVE,
            target=Attempt.State.FINISHING,
            finished_at=timezone.now(),
            finish_reason=reason,
        )
        if closed:
            record(attempt_id, kind="attempt.finished", actor=actor, payload={"reason": reason})
            notify("checks", str(attempt_id))
            notify("revocations", f"attempt {attempt_id}")
            notify("attempt_changed", f"{attempt_id} sandbox")
    return closed


def mark_collected(attempt_id: uuid.UUID) -> bool:
    """Say that every check has been judged; the worker grades next."""
    with transaction.atomic():
        moved = Attempt.objects.claim(
            attempt_id, source=Attempt.State.FINISHING, target=Attempt.State.COLLECTED
        )
        if moved:
            notify("attempts", str(attempt_id))
            notify("attempt_changed", f"{attempt_id} sandbox")
    return moved


def mark_graded(attempt_id: uuid.UUID) -> bool:
    """Say that the attempt is graded and its debrief can be read."""
    with transaction.atomic():
        moved = Attempt.objects.claim(
            attempt_id,
            source=Attempt.State.COLLECTED,
            target=Attempt.State.GRADED,
            graded_at=timezone.now(),
        )
        if moved:
            notify("attempt_changed", f"{attempt_id} sandbox")
    return moved
