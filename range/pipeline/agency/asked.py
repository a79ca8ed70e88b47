"""What a list of candidates is asked for: read from an address, written back, kept as a search."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from range.lib.storable import storable
from range.pipeline.models import Candidacy
from range.pipeline.readiness import Word

SORTS = {
    "readiness": "Readiness",
    "name": "Name",
    "stage": "Stage",
    "recent": "Latest evidence",
}
NO_STAGE = "NONE"
STAGES = {NO_STAGE: "No stage yet", **dict(Candidacy.Stage.choices)}
EVIDENCE = {"all": "practice and assessed attempts", "assessed": "assessed attempts only"}
SHOWN = {"bars": "bars", "figures": "figures"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A list of candidates as an address names it; every field is harmless text.

    Args:
        agency: Slug of the agency asked for, for people who work for several.
        word: Of readiness for the role; empty for every one.
        evidence: Empty: as the agency asks by default.
        skill: Key of the skill to sort by; empty unless that is how the list is sorted.
        columns: `role` for what the role asks, `all` for every observable skill.
        part: Which of the pages of columns.
    """

    agency: str = ""
    role: str = ""
    search: str = ""
    stage: str = ""
    word: str = ""
    evidence: str = ""
    sort: str = "readiness"
    skill: str = ""
    columns: str = "role"
    part: str = "1"
    shown: str = "bars"
    page: str = "1"

    @property
    def query(self) -> str:
        """Return what differs from the usual, as the query of an address."""
        usual = Asked()
        return urlencode(
            {
                each.name: getattr(self, each.name)
                for each in fields(self)
                if getattr(self, each.name) != getattr(usual, each.name)
            }
        )

    @property
    def kept(self) -> str:
        """Return the query as a search keeps it: from its first page on."""
        return replace(self, page="1", part="1").query


def asked_by(sent: Mapping[str, str]) -> Asked:
    """Read an address; what makes no sense there falls back to the usual."""
    skill = _text(sent, "skill", 64)
    sort = sent.get("sort", "")
    if sort.startswith("skill:"):
        # One control offers both: the usual orders, and every column.
        sort, skill = "skill", storable(sort.removeprefix("skill:"))[:64]
    known = sort in SORTS or (sort == "skill" and skill)
    return Asked(
        agency=_text(sent, "agency", 50),
        role=_text(sent, "role", 24),
        search=_text(sent, "search", 100).strip(),
        stage=_one_of(sent, "stage", STAGES),
        word=_one_of(sent, "word", {each.value: "" for each in Word}),
        evidence=_one_of(sent, "evidence", EVIDENCE),
        sort=sort if known else "readiness",
        skill=skill if sort == "skill" else "",
        columns="all" if sent.get("columns") == "all" else "role",
        part=_text(sent, "part", 4) or "1",
        shown=_one_of(sent, "shown", SHOWN) or "bars",
        page=_text(sent, "page", 6) or "1",
    )


def _text(sent: Mapping[str, str], name: str, longest: int) -> str:
    return storable(sent.get(name, ""))[:longest]


def _one_of(sent: Mapping[str, str], name: str, known: Mapping[str, str]) -> str:
    value = sent.get(name, "")
    return value if value in known else ""
