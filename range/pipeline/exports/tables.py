"""A person's skills and evidence as CSV and XLSX, in which no text can become a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from range.assessment.models import Evidence
from range.pipeline.evidence_lines import appeal_in_words
from range.pipeline.profile import Profile, SkillLine

type Cell = str | int | float | None

# What spreadsheets take for the beginning of a formula or a command, also after blanks.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_WIDEST = 60


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows below their heads; figures stay figures."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def skills_table(profile: Profile) -> Table:
    """Return one row for each skill with evidence, or that the chosen role asks for."""
    lines = [*profile.required, *profile.others]
    return Table(
        name="Skills",
        heads=(
            "skill", "name", "mean (logits)", "sd", "low 80 %", "high 80 %", "cut (logits)",
            "against the cut", "level", "P(above the cut)", "checks", "scenarios", "with hints",
            "contested", "last", "NICE and other ids", "parameter set", "as of",
        ),
        rows=[_skill(line, profile) for line in lines],
    )  # fmt: skip


def _skill(line: SkillLine, profile: Profile) -> tuple[Cell, ...]:
    standing, amount = line.standing, line.standing.tally
    return (
        line.key,
        line.name,
        standing.mean,
        standing.sd,
        standing.low,
        standing.high,
        float(line.cut.replace("\N{MINUS SIGN}", "-")) if line.cut else None,
        line.word.value if line.word else "",
        line.level,
        line.probability,
        amount.checks,
        amount.scenarios,
        amount.hinted,
        line.contested,
        _moment(amount.last_at),
        " ".join(f"{each.code} ({each.label}, {each.review})" for each in line.statements),
        profile.parameter_set,
        _moment(profile.as_of),
    )


def evidence_table(rows: Iterable[Evidence]) -> Table:
    """Return one row for each record, with its digest."""
    return Table(
        name="Evidence",
        heads=(
            "evidence", "attempt", "scenario", "objective", "check", "kind", "outcome", "score",
            "judged by", "reason", "hint rung", "mode", "observed at", "contested", "excerpt",
            "sha256",
        ),
        rows=[
            (
                str(row.pk),
                str(row.attempt_id),
                row.attempt.exercise.version.scenario.title,
                row.objective.title,
                row.check_id,
                row.kind,
                row.outcome,
                row.score,
                row.get_source_display(),
                row.reason,
                row.hint_rung,
                row.attempt.exercise.get_policy_display(),
                _moment(row.observed_at),
                appeal_in_words(row),
                row.excerpt,
                row.sha256,
            )
            for row in rows
        ],
    )  # fmt: skip


def as_csv(table: Table) -> bytes:
    """Return a table as CSV for people's spreadsheets; texts that begin a formula are quoted."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(table.heads)
    writer.writerows([_harmless(cell) for cell in row] for row in table.rows)
    # The mark tells spreadsheets that it is UTF-8.
    return "\ufeff".encode() + written.getvalue().encode()


def as_xlsx(tables: Sequence[Table]) -> bytes:
    """Return tables as the sheets of one workbook; every text is a text cell."""
    # Only who asks for a workbook loads what writes it.
    import xlsxwriter

    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(written, options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            for column, head in enumerate(table.heads):
                sheet.write_string(0, column, head, bold)
                sheet.set_column(column, column, _width(table, column))
            for row, cells in enumerate(table.rows, start=1):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str):
                        sheet.write_string(row, column, _xml(cell))
                    elif cell is not None:
                        sheet.write_number(row, column, cell)
    return written.getvalue()


def _width(table: Table, column: int) -> int:
    longest = max((len(str(row[column] or "")) for row in table.rows), default=0)
    return min(_WIDEST, max(len(table.heads[column]), longest) + 2)


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.lstrip(" \u00a0\u200b\ufeff").startswith(_BEGINS_FORMULA):
        return f"'{cell}"
    return cell


def _xml(text: str) -> str:
    """Return a text without what XML has no place for, and within what a cell holds."""
    kept = (each for each in text if each in "\n\t" or each.isprintable())
    return "".join(kept)[:32_000]


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
