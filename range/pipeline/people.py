"""The list of people whose skills a viewer may see, with scores only when a role is asked for."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from range.accounts.access import (
    STAFF,
    has_role,
    record_accesses,
    schools_of_staff,
    taught_by,
)
from range.accounts.models import Consent, Membership, User
from range.competencies.frameworks import (
    Role,
    demand_of,
    role_by_code,
    roles_with_requirements,
)
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.pipeline.readiness import RoleReadiness
from range.pipeline.services import cached_standings, readiness_for

PAGE_LENGTH = 50
_READERS = (*STAFF, Membership.Role.ASSESSOR)


class PeopleRefused(RangeError):
    """Trainees have no list of other people."""

    def __init__(self) -> None:
        super().__init__(
            "Lists of people are for instructors and assessors. Your own skills are under My "
            "skills.",
            reason="people-refused",
            status=403,
        )


@dataclass(frozen=True, kw_only=True)
class PersonLine:
    """One person of the list.

    Args:
        readiness: For the role asked for; None when none was.
    """

    person: User
    cohorts: str
    attempts: int
    last_at: datetime | None
    readiness: RoleReadiness | None


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """A page of the list, and what it was asked for.

    Args:
        assessed_only: Whether readiness leaves practice out.
        names_cohorts: Whether the viewer teaches at a school, whose cohorts they know.
    """

    lines: Sequence[PersonLine]
    page: Page[User]
    role: Role | None
    roles: Sequence[Role]
    search: str
    assessed_only: bool
    names_cohorts: bool


def visible_to(viewer: User) -> QuerySet[User]:
    """Return the trainees for whom `can_view_skills` holds, the viewer excepted."""
    agencies = viewer.memberships.filter(role=Membership.Role.ASSESSOR).values("organisation")
    agreed = Consent.objects.in_force().filter(agency__in=agencies)
    return User.objects.filter(
        Q(pk__in=taught_by(viewer)) | Q(pk__in=agreed.values("trainee"))
    ).exclude(pk=viewer.pk)


def people_page(
    viewer: User,
    *,
    role_code: str = "",
    assessed_only: bool = False,
    search: str = "",
    number: str = "1",
) -> PeoplePage:
    """Return one page of the list; every readiness shown is written down as a look.

    Raises:
        PeopleRefused: The viewer is neither instructor nor assessor nor administrator.
    """
    if not has_role(viewer, *_READERS):
        raise PeopleRefused
    role = role_by_code(role_code) if role_code else None
    shown = Lower(Coalesce(NullIf("display_name", Value("")), "username"))
    people = visible_to(viewer).order_by(shown, "pk")
    for part in search.split()[:5]:
        people = people.filter(Q(display_name__icontains=part) | Q(username__icontains=part))
    page = Paginator(people, PAGE_LENGTH).get_page(number)
    return PeoplePage(
        lines=_lines(viewer, list(page), role, assessed_only=assessed_only),
        page=page,
        role=role,
        roles=roles_with_requirements(),
        search=search,
        assessed_only=assessed_only,
        names_cohorts=has_role(viewer, *STAFF),
    )


def _lines(
    viewer: User, people: Sequence[User], role: Role | None, *, assessed_only: bool
) -> list[PersonLine]:
    work, cohorts = _work(people), _cohorts(viewer, people)
    readiness = _readiness(viewer, people, role, assessed_only=assessed_only) if role else {}
    return [
        PersonLine(
            person=person,
            cohorts=cohorts.get(person.pk, ""),
            attempts=work[person.pk][0],
            last_at=work[person.pk][1],
            readiness=readiness.get(person.pk),
        )
        for person in people
    ]


def _readiness(
    viewer: User, people: Sequence[User], role: Role, *, assessed_only: bool
) -> dict[uuid.UUID, RoleReadiness]:
    known, demand = cached_standings(people, assessed_only=assessed_only), demand_of(role)
    what = f"readiness for {role.code} in a list"
    record_accesses(viewer, subject_ids=[person.pk for person in people], what=what)
    return {person.pk: readiness_for(known.get(person.pk, []), demand) for person in people}


def _work(people: Sequence[User]) -> dict[uuid.UUID, tuple[int, datetime | None]]:
    """Return how many attempts of each person are graded, and when the last one was."""
    graded = Q(attempts__state=Attempt.State.GRADED)
    rows = User.objects.filter(pk__in=[person.pk for person in people]).annotate(
        graded=Count("attempts", filter=graded), last_at=Max("attempts__graded_at")
    )
    return {pk: (count, at) for pk, count, at in rows.values_list("pk", "graded", "last_at")}


def _cohorts(viewer: User, people: Sequence[User]) -> dict[uuid.UUID, str]:
    """Return the cohorts of each person at the schools where the viewer teaches."""
    rows = Membership.objects.filter(
        person__in=people, organisation__in=schools_of_staff(viewer)
    ).exclude(cohort=None)
    names: dict[uuid.UUID, list[str]] = {}
    for person, name in rows.order_by("cohort__name").values_list("person", "cohort__name"):
        names.setdefault(person, []).append(name)
    return {person: ", ".join(each) for person, each in names.items()}
