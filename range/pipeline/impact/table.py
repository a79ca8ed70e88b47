"""An adverse-impact report as a table to take along: the page's own figures and words."""

from range.pipeline.exports.tables import Table
from range.pipeline.impact.report import sections_of
from range.pipeline.models import ImpactReport


def impact_table(report: ImpactReport) -> Table:
    """Return one row for each group at each line."""
    return Table(
        name="Adverse impact",
        heads=(
            "dimension", "part", "line", "group", "people", "reached", "bound", "rate",
            "rate low 95 %", "rate high 95 %", "ratio to the highest", "Fisher p", "reading",
        ),
        rows=[
            (
                section.name,
                compared.part,
                compared.name,
                line.group.name,
                line.group.size,
                line.group.reached,
                {"≤": "at most", "≥": "at least"}.get(line.group.bound, ""),
                round(line.group.rate, 4),
                round(line.low, 4),
                round(line.high, 4),
                round(line.ratio, 4),
                None if line.chance is None else round(line.chance, 6),
                line.says,
            )
            for section in sections_of(report)
            for compared in section.compared
            for line in compared.lines
        ],
    )  # fmt: skip
