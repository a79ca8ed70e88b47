"""Groups of people that a viewer may ask about: cohorts, schools, and who agreed to an agency."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from range.accounts.access import agencies_of, schools_of_staff
from range.accounts.models import Cohort, Membership, Organisation, User
from range.pipeline.agency.ranking import candidates_of


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some people, under the name that an address has for them.

    Args:
        assessed_only: Which evidence counts where nobody says.
    """

    key: str
    label: str
    people: QuerySet[User]
    assessed_only: bool = False


def group_for(viewer: User, key: str) -> tuple[Group | None, list[Group]]:
    """Return the group that an address names, or the first, and all that there are."""
    groups = groups_of(viewer)
    return next((each for each in groups if each.key == key), next(iter(groups), None)), groups


def groups_of(viewer: User) -> list[Group]:
    """Return whom a viewer may ask about: agencies first, then schools, each with its cohorts."""
    agencies = [
        Group(
            key=f"agency-{each.slug}",
            label=f"candidates of {each.name}",
            people=candidates_of(each),
            assessed_only=each.assessed_only,
        )
        for each in agencies_of(viewer)
    ]
    schools = Organisation.objects.filter(pk__in=schools_of_staff(viewer)).order_by("name", "pk")
    return [*agencies, *(group for school in schools for group in _groups_of_school(school))]


def _groups_of_school(school: Organisation) -> Sequence[Group]:
    cohorts = school.cohorts.filter(archived_at=None).order_by("name", "pk")
    return [
        *(_cohort(each) for each in cohorts),
        Group(
            key=f"school-{school.slug}",
            label=f"every trainee of {school.name}",
            people=_trainees(Membership.objects.filter(organisation=school)),
        ),
    ]


def _cohort(cohort: Cohort) -> Group:
    return Group(
        key=f"cohort-{cohort.pk}",
        label=cohort.name,
        people=_trainees(Membership.objects.filter(cohort=cohort)),
    )


def _trainees(memberships: QuerySet[Membership]) -> QuerySet[User]:
    held = memberships.filter(role=Membership.Role.TRAINEE).values("person")
    return User.objects.filter(pk__in=held, is_active=True)
