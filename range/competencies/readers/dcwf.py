"""Reads a crosswalk of NICE and DCWF work roles from a table of comma-separated values."""

import csv
import io
import re
from collections.abc import Mapping

from range.competencies.readers.content import (
    Entry,
    FrameworkContent,
    UnreadableFramework,
    checked_version,
    too_long,
)

_NICE = ("nice code", "nice id")
_DCWF = ("dcwf code",)
_TITLE = ("dcwf role", "dcwf title")
_NICE_FORM = re.compile(r"[A-Z]{2}-WRL-\d{3}")
_DCWF_FORM = re.compile(r"\d{3}")


def read(data: bytes, *, version: str) -> FrameworkContent:
    """Read rows of `NICE code,DCWF code` and, where there is one, the DCWF role's title.

    Raises:
        UnreadableFramework: Not a table with these columns, or without one usable row.
    """
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        columns = {_plain(name): name for name in table.fieldnames or ()}
        rows = [{key: value or "" for key, value in row.items() if key} for row in table]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFramework(f"Expected a table in UTF-8 with commas: {error}.") from error
    return _content(rows, columns, version=version)


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", " ")


def _content(
    rows: list[dict[str, str]], columns: Mapping[str, str], *, version: str
) -> FrameworkContent:
    nice, dcwf = _column(columns, _NICE), _column(columns, _DCWF)
    if not nice or not dcwf:
        raise UnreadableFramework(
            "Expected the columns `NICE code` and `DCWF code` in the first line; found "
            f"{', '.join(columns.values()) or 'none'}."
        )
    checked_version(version)
    title = _column(columns, _TITLE)
    pairs: dict[tuple[str, str], str] = {}
    problems = []
    for number, row in enumerate(rows, start=2):
        pair = row.get(nice, "").strip(), row.get(dcwf, "").strip()
        if _NICE_FORM.fullmatch(pair[0]) and _DCWF_FORM.fullmatch(pair[1]):
            pairs.setdefault(pair, row.get(title, "").strip() if title else "")
        else:
            problems.append(f"Line {number} is no pair of role codes: {pair[0]!r}, {pair[1]!r}.")
    if not pairs:
        raise UnreadableFramework("The table has no row that pairs a NICE and a DCWF role code.")
    titles = {code: name or code for (_, code), name in sorted(pairs.items())}
    if problem := too_long(titles.items()):
        raise UnreadableFramework(f"The table cannot be kept: {problem}")
    return FrameworkContent(
        name="dcwf",
        version=version,
        title="DoD Cyber Workforce Framework",
        roles=tuple(Entry(code=code, title=name) for code, name in sorted(titles.items())),
        crosswalk=tuple(sorted(pairs)),
        problems=tuple(problems),
    )


def _column(columns: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)
