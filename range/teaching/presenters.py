"""What the pages of whoever teaches show: cohorts, exercises, and what happened in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q

from range.accounts.cohorts import trainees_of
from range.accounts.models import Cohort, Invitation, Membership, Organisation, User
from range.exercises.models import Attempt, Exercise
from range.exercises.windows import Window, window_of
from range.timeline.models import Event
from range.timeline.services import events_of

EXERCISES_SHOWN = 100
EVENTS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class CohortLine:
    """One cohort in the list."""

    cohort: Cohort
    people: int
    exercises: int


@dataclass(frozen=True, kw_only=True)
class ExerciseLine:
    """One exercise in a list.

    Args:
        at_work: How many attempts are in progress.
    """

    exercise: Exercise
    window: Window
    at_work: int


@dataclass(frozen=True, kw_only=True)
class TeachingPage:
    """Cohorts and exercises of the schools somebody teaches in."""

    schools: Sequence[Organisation]
    cohorts: Sequence[CohortLine]
    archived: Sequence[CohortLine]
    exercises: Sequence[ExerciseLine]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something that happened to a cohort or an exercise, and who did it."""

    event: Event
    who: str
    whom: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """One trainee of a cohort.

    Args:
        manageable: Whether the account is the school's to change.
    """

    person: User
    manageable: bool


@dataclass(frozen=True, kw_only=True)
class CohortPage:
    """One cohort with its people, links, exercises and history."""

    cohort: Cohort
    members: Sequence[Member]
    invitations: Sequence[Invitation]
    exercises: Sequence[ExerciseLine]
    happenings: Sequence[Happening]


def teaching_page(schools: Sequence[Organisation]) -> TeachingPage:
    """Return the cohorts and exercises of some schools."""
    is_trainee = Q(memberships__role=Membership.Role.TRAINEE)
    cohorts = (
        Cohort.objects.filter(organisation__in=schools)
        .select_related("organisation")
        .annotate(
            people=Count("memberships", filter=is_trainee, distinct=True),
            given=Count("exercises", distinct=True),
        )
        .order_by("name")
    )
    lines = [CohortLine(cohort=each, people=each.people, exercises=each.given) for each in cohorts]
    return TeachingPage(
        schools=schools,
        cohorts=[line for line in lines if line.cohort.archived_at is None],
        archived=[line for line in lines if line.cohort.archived_at is not None],
        exercises=_exercises(Q(organisation__in=schools)),
    )


def cohort_page(cohort: Cohort) -> CohortPage:
    """Return one cohort as its page shows it."""
    people = [membership.person for membership in trainees_of(cohort)]
    manageable = _manageable(people, cohort)
    return CohortPage(
        cohort=cohort,
        members=[Member(person=each, manageable=each.pk in manageable) for each in people],
        invitations=list(
            cohort.invitations.select_related("made_by").order_by("-made_at")[:EVENTS_SHOWN]
        ),
        exercises=_exercises(Q(cohort=cohort)),
        happenings=happenings_of(cohort.pk),
    )


def happenings_of(subject: UUID) -> list[Happening]:
    """Return what happened to a cohort or an exercise, the newest first."""
    events = list(events_of(subject).order_by("-seq")[:EVENTS_SHOWN])
    wanted = {_actor(event) for event in events} | {_person(event) for event in events}
    people = User.objects.filter(pk__in=[UUID(each) for each in wanted if each])
    names = {str(each.pk): each.shown_name for each in people}
    return [
        Happening(event=event, who=_named(_actor(event), names), whom=_named(_person(event), names))
        for event in events
    ]


def _manageable(people: Sequence[User], cohort: Cohort) -> set[UUID]:
    """Return who is nothing but a trainee of the cohort's school, in one query for all."""
    elsewhere = Membership.objects.filter(person__in=people).exclude(
        organisation=cohort.organisation_id, role=Membership.Role.TRAINEE
    )
    more = set(elsewhere.values_list("person", flat=True))
    return {
        each.pk
        for each in people
        if each.pk not in more and not (each.is_staff or each.is_superuser)
    }


def _exercises(which: Q) -> list[ExerciseLine]:
    found = (
        Exercise.objects.filter(which)
        .exclude(cohort=None)
        .select_related("version__scenario", "cohort")
        .defer("version__spec", "version__assets", "version__brief")
        .annotate(working=Count("attempts", filter=Q(attempts__state=Attempt.State.ACTIVE)))
        .order_by("-opens_at")[:EXERCISES_SHOWN]
    )
    lines = [
        ExerciseLine(exercise=each, window=window_of(each), at_work=each.working) for each in found
    ]
    order = {"open": 0, "coming": 1, "closed": 2}
    return sorted(lines, key=lambda line: order[line.window.state])


def _actor(event: Event) -> str:
    return event.actor.partition(":")[2]


def _person(event: Event) -> str:
    return str(event.payload.get("trainee") or "")


def _named(person: str, names: Mapping[str, str]) -> str:
    return names.get(person, "somebody who is gone") if person else ""
