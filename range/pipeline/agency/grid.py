"""The grid of candidates: people by skills, an interval bar in each cell, one page at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator

from range.accounts.access import agencies_of, record_accesses
from range.accounts.models import Organisation, User
from range.assessment.appeals import open_counts
from range.competencies.frameworks import (
    Demand,
    Role,
    demand_of,
    roles_with_requirements,
)
from range.competencies.models import ObservableSkill
from range.lib.errors import RangeError
from range.pipeline import bars
from range.pipeline.agency.asked import Asked
from range.pipeline.agency.ranking import Held, found, ranked, skill_ids
from range.pipeline.models import Candidacy
from range.pipeline.readiness import (
    RoleReadiness,
    Standing,
    Tally,
    Word,
    level_of,
    word_for,
)
from range.pipeline.services import cached_standings, readiness_for
from range.pipeline.sets import current

PAGE_LENGTH = 25
COLUMNS_AT_ONCE = 10
# A file holds no more people than this.
MOST_TAKEN = 2000


class AgencyRefused(RangeError):
    """Lists of candidates are for assessors of an agency."""

    def __init__(self) -> None:
        super().__init__(
            "Lists of candidates are for the assessors of an agency.",
            reason="not-an-assessor",
            status=403,
        )


class AgencyUnknown(RangeError):
    """A form names an agency that the viewer does not work for; no other one will do."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such agency that you work for, so nothing was changed.",
            reason="agency-unknown",
            status=404,
        )


@dataclass(frozen=True, kw_only=True)
class Column:
    """A skill across the grid.

    Args:
        cut: What the role asks, in logits; None where it does not ask.
    """

    key: str
    name: str
    cut: float | None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One skill of one person.

    Args:
        says: The word against the role's cut; without one, the level.
        is_word: Whether it says the word.
    """

    column: Column
    standing: Standing
    bar: bars.Bar
    interval: str
    says: str
    is_word: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One candidate, with the label of their stage, and readiness for the role.

    Args:
        contested: Records they contest that wait for an answer.
    """

    person: User
    stage: str
    readiness: RoleReadiness
    contested: int
    cells: Sequence[Cell]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A page of the grid, and what it was asked for."""

    agency: Organisation
    agencies: Sequence[Organisation]
    asked: Asked
    role: Role | None
    roles: Sequence[Role]
    assessed_only: bool
    columns: Sequence[Column]
    parts: int
    part: int
    rows: Sequence[Row]
    page: Page[User]

    @property
    def link(self) -> str:
        """Return the query that leads to a person as held here."""
        return link_for(self.role, assessed_only=self.assessed_only)

    @property
    def taken(self) -> int | None:
        """Return how many of the people found a file holds; None where that is all of them."""
        return MOST_TAKEN if self.page.paginator.count > MOST_TAKEN else None

    @property
    def turns(self) -> dict[str, str]:
        """Return the queries of the pages beside this one, of people and of skills."""
        found = {}
        if self.page.has_previous():
            found["previous"] = replace(self.asked, page=str(self.page.number - 1)).query
        if self.page.has_next():
            found["next"] = replace(self.asked, page=str(self.page.number + 1)).query
        if self.part > 1:
            found["fewer"] = replace(self.asked, part=str(self.part - 1)).query
        if self.part < self.parts:
            found["more"] = replace(self.asked, part=str(self.part + 1)).query
        return found


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What every list of an agency's is held against."""

    agency: Organisation
    roles: Sequence[Role]
    role: Role | None
    demand: Demand
    held: Held


def link_for(role: Role | None, *, assessed_only: bool) -> str:
    """Return the query of a person's page that holds them against the same."""
    evidence = "assessed" if assessed_only else "all"
    return urlencode({"role": role.code if role else "", "evidence": evidence})


def agency_for(viewer: User, slug: str = "") -> tuple[Organisation, list[Organisation]]:
    """Return the agency that a viewer works for, the one named if they work for several.

    Raises:
        AgencyRefused: The viewer is no assessor of an agency.
    """
    agencies = list(agencies_of(viewer))
    if not agencies:
        raise AgencyRefused
    return next((each for each in agencies if each.slug == slug), agencies[0]), agencies


def named_agency(viewer: User, slug: str) -> Organisation:
    """Return the agency that a form is about; without a name, the one that pages show.

    Raises:
        AgencyRefused: The viewer is no assessor of an agency.
        AgencyUnknown: They do not work for that one.
    """
    agency, _ = agency_for(viewer, slug)
    if slug not in {"", agency.slug}:
        raise AgencyUnknown
    return agency


def frame_for(agency: Organisation, asked: Asked) -> Frame:
    """Return the role asked for, what it asks, and which evidence counts."""
    roles = roles_with_requirements()
    named = [role for role in roles if role.code == asked.role]
    role = next(iter(named or roles), None)
    demand = demand_of(role) if role else Demand(required={}, bearing={})
    asks_assessed = agency.assessed_only if not asked.evidence else asked.evidence == "assessed"
    return Frame(
        agency=agency,
        roles=roles,
        role=role,
        demand=demand,
        held=Held(required=demand.required, ids=skill_ids(), assessed_only=asks_assessed),
    )


def grid(viewer: User, asked: Asked) -> Grid:
    """Return one page of candidates; each person on it sees that the viewer looked.

    Raises:
        AgencyRefused: The viewer is no assessor of an agency.
    """
    agency, agencies = agency_for(viewer, asked.agency)
    frame = frame_for(agency, asked)
    people = ranked(agency, asked, frame.held).exclude(pk=viewer.pk)
    pages = Paginator(people, PAGE_LENGTH)
    # Counting needs neither the order nor what it is made from.
    pages.count = found(agency, asked, frame.held).exclude(pk=viewer.pk).count()
    page = pages.get_page(asked.page)
    columns, part, parts = _columns(asked, frame.held)
    rows = rows_of(frame, list(page), columns)
    record_accesses(
        viewer, subject_ids=[row.person.pk for row in rows], what=f"candidates of {agency.name}"
    )
    return Grid(
        agency=agency,
        agencies=agencies,
        asked=replace(
            asked,
            agency=agency.slug if asked.agency else "",
            role=frame.role.code if frame.role else "",
        ),
        role=frame.role,
        roles=frame.roles,
        assessed_only=frame.held.assessed_only,
        columns=columns,
        parts=parts,
        part=part,
        rows=rows,
        page=page,
    )


def _columns(asked: Asked, held: Held) -> tuple[list[Column], int, int]:
    """Return the columns shown, which part of them all that is, and how many parts there are."""
    every = all_columns(held)
    if asked.columns == "role" and held.required:
        return [each for each in every if each.cut is not None], 1, 1
    parts = list(batched(every, COLUMNS_AT_ONCE)) or [()]
    wanted = int(asked.part) if asked.part.isdecimal() else 1
    part = min(max(wanted, 1), len(parts))
    return list(parts[part - 1]), part, len(parts)


def all_columns(held: Held) -> list[Column]:
    """Return every observable skill by name, those that the role asks first."""
    rows = ObservableSkill.objects.order_by("name").values_list("key", "name")
    every = [Column(key=key, name=name, cut=held.required.get(key)) for key, name in rows]
    return sorted(every, key=lambda column: column.cut is None)


def rows_of(frame: Frame, people: Sequence[User], columns: Sequence[Column]) -> list[Row]:
    """Return candidates with their cells, in a fixed number of queries."""
    known = cached_standings(people, assessed_only=frame.held.assessed_only)
    placed = Candidacy.objects.filter(agency=frame.agency, trainee__in=people)
    contested = open_counts(people)
    stages = {row.trainee_id: row.get_stage_display() for row in placed}
    return [
        Row(
            person=person,
            stage=stages.get(person.pk, ""),
            readiness=readiness_for(known.get(person.pk, []), frame.demand),
            contested=contested.get(person.pk, 0),
            cells=cells_of(known.get(person.pk, []), columns),
        )
        for person in people
    ]


def cells_of(known: Iterable[Standing], columns: Sequence[Column]) -> list[Cell]:
    """Return one cell a column; what was never observed stands where it stands for anybody."""
    by_skill = {each.skill: each for each in known}
    return [cell_of(by_skill.get(column.key) or unseen(column.key), column) for column in columns]


def unseen(skill: str) -> Standing:
    """Return the standing of a skill without evidence."""
    prior = current()
    return Standing(skill=skill, mean=prior.prior_mean, sd=prior.prior_sd, tally=Tally())


def cell_of(standing: Standing, column: Column) -> Cell:
    """Return one skill of one person as lists show it."""
    level = level_of(standing)
    if column.cut is not None:
        says: str = word_for(standing, cut=column.cut).value
    else:
        says = level.value if level else Word.NOT_ENOUGH.value
    return Cell(
        column=column,
        standing=standing,
        bar=bars.bar(low=standing.low, high=standing.high, mean=standing.mean, cut=column.cut),
        interval=f"{bars.figure(standing.low)} to {bars.figure(standing.high)}",
        says=says,
        is_word=column.cut is not None,
    )
