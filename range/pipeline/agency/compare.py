"""Compares up to four candidates skill by skill, in tiers whose intervals do not overlap."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from range.accounts.access import record_accesses
from range.accounts.models import Organisation, User
from range.competencies.frameworks import Role
from range.pipeline.agency.asked import Asked
from range.pipeline.agency.grid import (
    Cell,
    Column,
    Row,
    agency_for,
    all_columns,
    frame_for,
    link_for,
    rows_of,
)
from range.pipeline.agency.ranking import candidates_of

MOST = 4
COMPARABLE_CHECKS = 20


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One person's cell in a comparison.

    Args:
        tier: 1 for the highest; None where too little is known to compare.
    """

    person: User
    cell: Cell
    tier: int | None


@dataclass(frozen=True, kw_only=True)
class ComparedSkill:
    """One skill across the people.

    Args:
        says: What may be said of the order, in words.
    """

    column: Column
    placed: Sequence[Placed]
    tiers: int
    says: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the page of a comparison shows."""

    agency: Organisation
    asked: Asked
    role: Role | None
    roles: Sequence[Role]
    assessed_only: bool
    rows: Sequence[Row]
    skills: Sequence[ComparedSkill]
    missing: int
    left_out: int

    @property
    def link(self) -> str:
        """Return the query that leads to a person as held here."""
        return link_for(self.role, assessed_only=self.assessed_only)


def tiers(intervals: Sequence[tuple[float, float]]) -> list[int]:
    """Return the tier of each interval, 1 for the highest.

    Two share a tier where their intervals overlap, or are linked by others that do: between
    tiers, no interval reaches into another.
    """
    order = sorted(range(len(intervals)), key=lambda n: intervals[n][1], reverse=True)
    found, tier, floor = [0] * len(intervals), 0, float("inf")
    for index in order:
        low, high = intervals[index]
        if high < floor:
            tier += 1
        floor = min(low, floor)
        found[index] = tier
    return found


def comparison(viewer: User, asked: Asked, people: Iterable[uuid.UUID]) -> Comparison:
    """Gather a comparison; each person in it sees that the viewer looked.

    Raises:
        AgencyRefused: The viewer is no assessor of an agency.
    """
    agency, _ = agency_for(viewer, asked.agency)
    frame = frame_for(agency, asked)
    named = list(dict.fromkeys(people))
    wanted = named[:MOST]
    found = candidates_of(agency).exclude(pk=viewer.pk).in_bulk(wanted)
    chosen = [found[pk] for pk in wanted if pk in found]
    columns = [each for each in all_columns(frame.held) if each.cut is not None]
    rows = rows_of(frame, chosen, columns)
    what = f"compared, {len(chosen)} people side by side"
    record_accesses(viewer, subject_ids=[each.pk for each in chosen], what=what)
    return Comparison(
        agency=agency,
        asked=replace(asked, role=frame.role.code if frame.role else ""),
        role=frame.role,
        roles=frame.roles,
        assessed_only=frame.held.assessed_only,
        rows=rows,
        skills=[_compared(rows, index) for index in range(len(columns) if rows else 0)],
        missing=len(wanted) - len(chosen),
        left_out=len(named) - len(wanted),
    )


def _compared(rows: Sequence[Row], index: int) -> ComparedSkill:
    cells = [row.cells[index] for row in rows]
    known = [each for each in cells if is_comparable(each)]
    if len(known) < 2:
        # One alone has nobody to be held against.
        known = []
    place = dict(
        zip(
            map(id, known),
            tiers([(each.standing.low, each.standing.high) for each in known]),
            strict=True,
        )
    )
    count = len(set(place.values()))
    return ComparedSkill(
        column=cells[0].column,
        placed=[
            Placed(person=row.person, cell=cell, tier=place.get(id(cell)))
            for row, cell in zip(rows, cells, strict=True)
        ],
        tiers=count,
        says=_says(count),
    )


def is_comparable(cell: Cell) -> bool:
    """Tell whether there is enough evidence to hold a person against others."""
    amount = cell.standing.tally
    return amount.suffices and amount.checks >= COMPARABLE_CHECKS


def _says(count: int) -> str:
    if count == 0:
        return f"Not compared: fewer than two people have {COMPARABLE_CHECKS} checks here."
    if count == 1:
        return "One tier: the intervals overlap, so no order can be told."
    return f"{count} tiers: between them no interval reaches into another."
