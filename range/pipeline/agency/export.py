"""A list of candidates as a table to take along: the page's own figures, for everybody found."""

from range.accounts.access import record_accesses
from range.accounts.models import User
from range.pipeline.agency import grid
from range.pipeline.agency.asked import Asked
from range.pipeline.agency.grid import Row, agency_for, all_columns, frame_for, rows_of
from range.pipeline.agency.ranking import found, ranked
from range.pipeline.exports.tables import Cell, Table


def candidates_table(viewer: User, asked: Asked) -> Table:
    """Return the candidates found; each sees that they were taken along.

    Beyond the most that a file holds, its last row says how many are missing.

    Raises:
        AgencyRefused: The viewer is no assessor of an agency.
    """
    agency, _ = agency_for(viewer, asked.agency)
    frame = frame_for(agency, asked)
    people = list(ranked(agency, asked, frame.held).exclude(pk=viewer.pk)[: grid.MOST_TAKEN])
    every = found(agency, asked, frame.held).exclude(pk=viewer.pk).count()
    columns = [
        each
        for each in all_columns(frame.held)
        if each.cut is not None or asked.columns == "all" or not frame.held.required
    ]
    rows = rows_of(frame, people, columns)
    record_accesses(
        viewer,
        subject_ids=[each.pk for each in people],
        what=f"took along: candidates of {agency.name} (CSV)",
    )
    of_skill = ("mean (logits)", "sd", "low 80 %", "high 80 %", "checks", "scenarios", "says")
    heads = [f"{column.name}: {each}" for column in columns for each in of_skill]
    role = frame.role.codes if frame.role else ""
    return Table(
        name="Candidates",
        heads=("name", "stage", "role", "evidence", "readiness", "coverage", "contested", *heads),
        rows=[
            *(_cells(row, role=role, assessed=frame.held.assessed_only) for row in rows),
            *_cut_short(len(people), every),
        ],
    )


def _cut_short(held: int, every: int) -> list[tuple[Cell, ...]]:
    """Return a last row that says what is missing; none where nothing is."""
    if every <= held:
        return []
    told = f"Only the first {held:,} of {every:,} people found are in this list."
    return [(f"{told} Ask for fewer at once to take the others along.",)]


def _cells(row: Row, *, role: str, assessed: bool) -> tuple[Cell, ...]:
    figures: list[Cell] = []
    for cell in row.cells:
        standing = cell.standing
        amount = standing.tally
        figures += [standing.mean, standing.sd, standing.low, standing.high]
        figures += [amount.checks, amount.scenarios, cell.says]
    return (
        row.person.shown_name,
        row.stage,
        role,
        "assessed only" if assessed else "practice and assessed",
        row.readiness.word.value,
        round(row.readiness.coverage, 4),
        row.contested,
        *figures,
    )
