"""What people lack of what a role asks, skill by skill, and which scenarios would tell more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Value, When

from range.accounts.access import can_see_gaps, record_accesses
from range.accounts.models import User
from range.competencies.frameworks import Demand, Role, demand_of, roles_with_requirements
from range.competencies.models import ObservableSkill
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.pipeline.agency.grid import Cell, Column, cells_of, link_for
from range.pipeline.agency.ranking import BY_NAME, Z_LIKELY, Held, enough, ready_among, skill_ids
from range.pipeline.models import SkillEstimate
from range.pipeline.services import cached_standings
from range.standards.groups import Group, group_for
from range.standards.levels import level_at
from range.standards.library import LibraryScenario, by_skill, library

PAGE_LENGTH = 25
# Figures about fewer people than this speak of each of them: that is a look, and written down.
FEW = 5


class Place(StrEnum):
    """Where somebody stands with one skill that a role asks for."""

    READY = "ready"
    NOT_YET = "not-yet"
    NOT_ENOUGH = "not-enough"


class GapsRefused(RangeError):
    """Trainees see their own skills, and nobody else's."""

    def __init__(self) -> None:
        super().__init__(
            "What groups of people lack is for instructors and assessors. Your own skills are "
            "under My skills.",
            reason="gaps-refused",
            status=403,
        )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an address asks for; every field is harmless text."""

    group: str = ""
    role: str = ""
    evidence: str = ""

    @property
    def query(self) -> str:
        """Return it as the query of an address."""
        return urlencode({"group": self.group, "role": self.role, "evidence": self.evidence})


def asked_by(sent: Mapping[str, str]) -> Asked:
    """Read an address; what makes no sense there falls back to the usual."""
    evidence = sent.get("evidence", "")
    return Asked(
        group=storable(sent.get("group", ""))[:80],
        role=storable(sent.get("role", ""))[:24],
        evidence=evidence if evidence in ("all", "assessed") else "",
    )


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One skill that a role asks for, and how many people stand where.

    Args:
        level: What the role asks, in words.
        scenarios: That observe the skill; empty where the library has none.
    """

    key: str
    name: str
    level: str
    ready: int
    not_yet: int
    not_enough: int
    scenarios: Sequence[LibraryScenario]

    @property
    def lacking(self) -> int:
        """Return how many are not ready."""
        return self.not_yet + self.not_enough


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Everything of one group of people against one role.

    Args:
        people: How many there are.
        ready: How many of them are ready for the whole role.
        gaps: By how many people are not ready, most first.
    """

    group: Group | None
    groups: Sequence[Group]
    role: Role | None
    roles: Sequence[Role]
    assessed_only: bool
    people: int = 0
    ready: int = 0
    gaps: Sequence[Gap] = ()

    @property
    def link(self) -> str:
        """Return the query that asks for the very same."""
        return Asked(
            group=self.group.key if self.group else "",
            role=self.role.code if self.role else "",
            evidence="assessed" if self.assessed_only else "all",
        ).query

    @property
    def is_few(self) -> bool:
        """Tell whether each of them is told of a look at the figures."""
        return 0 < self.people < FEW

    @property
    def uncovered(self) -> int:
        """Return for how many skills there is no scenario."""
        return sum(not each.scenarios for each in self.gaps)


@dataclass(frozen=True, kw_only=True)
class SkillRow:
    """One person and where they stand with the skill."""

    person: User
    cell: Cell


@dataclass(frozen=True, kw_only=True)
class SkillGap:
    """The people of a group who stand in one place with one skill."""

    gaps: Gaps
    gap: Gap
    place: Place
    rows: Sequence[SkillRow]
    page: Page[User]
    link: str


def gaps(viewer: User, asked: Asked) -> Gaps:
    """Count where the people of a group stand, in a fixed number of queries.

    Raises:
        GapsRefused: The viewer is neither instructor nor assessor nor administrator.
    """
    if not can_see_gaps(viewer):
        raise GapsRefused
    group, groups = group_for(viewer, asked.group)
    roles = roles_with_requirements()
    role = next((each for each in roles if each.code == asked.role), next(iter(roles), None))
    if group is None or role is None:
        return Gaps(group=group, groups=groups, role=role, roles=roles, assessed_only=False)
    held = _held(demand_of(role), group, asked)
    people = group.people.exclude(pk=viewer.pk)
    many = people.count()
    if many < FEW:
        what = f"gaps for {role.code} among {group.label}"
        record_accesses(viewer, subject_ids=people.values_list("pk", flat=True), what=what)
    return Gaps(
        group=group,
        groups=groups,
        role=role,
        roles=roles,
        assessed_only=held.assessed_only,
        people=many,
        ready=ready_among(people, held) if many else 0,
        gaps=_gaps(people, many, held, by_skill(library(viewer))),
    )


def skill_gap(viewer: User, asked: Asked, *, key: str, place: str, number: str) -> SkillGap | None:
    """Return one page of the people behind a figure; each sees that the viewer looked.

    None where the role does not ask for the skill.

    Raises:
        GapsRefused: The viewer is neither instructor nor assessor nor administrator.
    """
    found = gaps(viewer, asked)
    gap = next((each for each in found.gaps if each.key == key), None)
    if gap is None or found.group is None or found.role is None:
        return None
    where = Place(place) if place in set(Place) else Place.NOT_YET
    held = _held(demand_of(found.role), found.group, asked)
    people = _in_place(found.group.people.exclude(pk=viewer.pk), where, key, held)
    page = Paginator(people.order_by(BY_NAME, "pk"), PAGE_LENGTH).get_page(number)
    column = Column(key=key, name=gap.name, cut=held.required[key])
    known = cached_standings(list(page), assessed_only=held.assessed_only)
    rows = [
        SkillRow(person=each, cell=cells_of(known.get(each.pk, []), [column])[0]) for each in page
    ]
    what = f"{gap.name} in a list of {found.group.label}"
    record_accesses(viewer, subject_ids=[row.person.pk for row in rows], what=what)
    return SkillGap(
        gaps=found,
        gap=gap,
        place=where,
        rows=rows,
        page=page,
        link=link_for(found.role, assessed_only=held.assessed_only),
    )


def _held(demand: Demand, group: Group, asked: Asked) -> Held:
    only = group.assessed_only if not asked.evidence else asked.evidence == "assessed"
    return Held(required=demand.required, ids=skill_ids(), assessed_only=only)


def _gaps(
    people: QuerySet[User],
    many: int,
    held: Held,
    shown_by: Mapping[str, Sequence[LibraryScenario]],
) -> list[Gap]:
    counted = _counted(people, held)
    names = dict(ObservableSkill.objects.values_list("key", "name"))
    found = []
    for key, cut in held.required.items():
        sufficient, ready = counted.get(key, (0, 0))
        found.append(
            Gap(
                key=key,
                name=names[key],
                level=level_at(cut),
                ready=ready,
                not_yet=sufficient - ready,
                not_enough=many - sufficient,
                scenarios=shown_by.get(key, []),
            )
        )
    return sorted(found, key=lambda each: (-each.lacking, each.name))


def _counted(people: QuerySet[User], held: Held) -> dict[str, tuple[int, int]]:
    """Return how many people have enough evidence of each skill, and how many of them are ready."""
    if not held.required:
        return {}
    cuts = [When(skill=held.ids[key], then=Value(cut)) for key, cut in held.required.items()]
    above = (F("mean") - Case(*cuts, output_field=FloatField())) / F("sd")
    rows = SkillEstimate.objects.filter(
        trainee__in=people.values("pk"),
        assessed_only=held.assessed_only,
        skill__in=[held.ids[key] for key in held.required],
    )
    told = (
        rows.order_by()
        .alias(above=above)
        .values("skill")
        .annotate(
            # Counted by what the covering index holds, so that the rows themselves stay unread.
            sufficient=Count("trainee", filter=enough()),
            ready=Count("trainee", filter=enough() & Q(above__gte=Z_LIKELY)),
        )
    )
    keys = {each: key for key, each in held.ids.items()}
    return {keys[each["skill"]]: (each["sufficient"], each["ready"]) for each in told}


def _in_place(people: QuerySet[User], place: Place, key: str, held: Held) -> QuerySet[User]:
    mine = SkillEstimate.objects.filter(
        enough(),
        trainee=OuterRef("pk"),
        skill=held.ids[key],
        assessed_only=held.assessed_only,
    ).alias(above=(F("mean") - Value(held.required[key])) / F("sd"))
    if place is Place.NOT_ENOUGH:
        return people.exclude(Exists(mine))
    if place is Place.READY:
        return people.filter(Exists(mine.filter(above__gte=Z_LIKELY)))
    return people.filter(Exists(mine.filter(above__lt=Z_LIKELY)))
