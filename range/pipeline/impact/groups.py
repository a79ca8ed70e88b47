"""What people say of themselves for adverse-impact reports: theirs to give, change and erase."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from range.accounts.access import has_role
from range.accounts.models import Membership, User
from range.lib.errors import RangeError
from range.pipeline.models import GroupDeclaration


class GroupsRefused(RangeError):
    """Nothing was declared; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One thing by which groups are told apart, with its groups by key."""

    name: str
    groups: Mapping[str, str]


# Source: 29 CFR 1607.4(B) for sex, race and ethnic groups; 29 USC 631(a) for the age of 40.
DIMENSIONS: Mapping[str, Dimension] = {
    "gender": Dimension(
        name="Gender",
        groups={"woman": "Woman", "man": "Man", "another": "Non-binary or another gender"},
    ),
    "ethnicity": Dimension(
        name="Ethnic group",
        groups={
            "asian": "Asian",
            "black": "Black or African American",
            "hispanic": "Hispanic or Latino",
            "native": "American Indian or Alaska Native",
            "pacific": "Native Hawaiian or Pacific Islander",
            "white": "White",
            "several": "Two or more, or another",
        },
    ),
    "age": Dimension(name="Age", groups={"under-40": "Under 40", "from-40": "40 or older"}),
    "disability": Dimension(
        name="Disability", groups={"yes": "With a disability", "no": "Without a disability"}
    ),
}


def declared_by(person: User) -> dict[str, str]:
    """Return the group a person gave for each dimension; nothing for those left out."""
    rows = GroupDeclaration.objects.filter(person=person)
    return dict(rows.values_list("dimension", "group"))


@dataclass(frozen=True, kw_only=True)
class Question:
    """A dimension as a person is asked for it, with what they answered, if they did."""

    key: str
    dimension: Dimension
    answer: str


def questions_for(person: User) -> list[Question]:
    """Return what a person may say of themselves, and what they said."""
    given = declared_by(person)
    return [
        Question(key=key, dimension=each, answer=given.get(key, ""))
        for key, each in DIMENSIONS.items()
    ]


@transaction.atomic
def declare(person: User, given: Mapping[str, str]) -> None:
    """Keep what a person says of themselves; what they leave empty is erased, not marked.

    Nothing of it enters the time line, the evidence or a log: only so can it be erased.

    Raises:
        GroupsRefused: Not a trainee, or no such group.
    """
    if not has_role(person, Membership.Role.TRAINEE):
        raise GroupsRefused(
            "Only trainees are counted in these reports.", reason="groups-not-a-trainee", status=403
        )
    for key, dimension in DIMENSIONS.items():
        group = given.get(key, "")
        if group and group not in dimension.groups:
            raise GroupsRefused(
                f"Choose one of the groups offered for {dimension.name.lower()}, or none.",
                reason="groups-unknown",
            )
    for key in DIMENSIONS:
        rows = GroupDeclaration.objects.filter(person=person, dimension=key)
        if group := given.get(key, ""):
            rows.update_or_create(person=person, dimension=key, defaults={"group": group})
        else:
            rows.delete()
