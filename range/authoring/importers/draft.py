"""A draft made from another format: what it holds, what was lost on the way, and its folder."""

import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from range.catalog.editor_schema import EDITOR_LINE
from range.catalog.lint import checked
from range.catalog.problems import Problem
from range.catalog.reader import BRIEF_FILE, SCENARIO_FILE
from range.catalog.source import ASSETS_LIMIT_BYTES
from range.lib.storable import storable

REPORT_FILE = "REPORT.md"
# What a draft from a contest asks for is one flag.
OBJECTIVE = "solve"
TEXT_LIMIT = 4000
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(kw_only=True)
class Draft:
    """A scenario as far as it could be made from something else.

    Args:
        spec: What goes into scenario.yaml; the schema accepts it.
        carried: What was carried over, a sentence each.
        lost: What was not, a sentence each with what to do about it.
    """

    slug: str
    title: str
    source: str
    spec: dict[str, Any] = field(default_factory=dict)
    brief: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    carried: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def begin(self, *, summary: str, modes: list[str], points: object = 300) -> None:
        """Write the part of scenario.yaml that every draft has.

        Args:
            points: Of a contest, where 100 is easy and 500 is hard.
        """
        title = line(self.title) or self.slug
        self.spec = {
            "schema": 1,
            "id": self.slug,
            "version": "0.1.0",
            "title": title if len(title) > 2 else f"{title} (draft)",
            "summary": line(summary, 300) if len(line(summary)) >= 10 else f"A draft: {title}.",
            "modes": modes,
            "difficulty": _difficulty(points),
            "estimated_minutes": 30,
        }

    def add_file(self, name: str, data: bytes) -> str | None:
        """Keep a file below `files/`; return its path, None if it would be too much."""
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80] or "file"
        size = sum(map(len, self.files.values())) + len(data)
        if f"files/{safe}" in self.files or size > ASSETS_LIMIT_BYTES // 2:
            return None
        self.files[f"files/{safe}"] = data
        return f"files/{safe}"


def slug_of(text: str, taken: Iterable[str] = ()) -> str:
    """Return a name that a scenario can have and no other has."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    base = base if re.match(r"[a-z]", base) else f"draft-{base}".rstrip("-")
    base = (base if len(base) > 2 else f"{base}-draft")[:44].rstrip("-")
    number, slug = 1, base
    while slug in set(taken):
        number += 1
        slug = f"{base}-{number}"
    return slug


def name_of(text: str) -> str:
    """Return a name that a machine, a network or an objective can have."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:28].rstrip("-")
    return name if re.match(r"[a-z]", name) else f"n-{name}".rstrip("-")


def plain(text: object, limit: int = TEXT_LIMIT) -> str:
    """Return foreign text that means nothing to our templates, YAML or a terminal."""
    words = storable(str(text if text is not None else "")).replace("\r\n", "\n")
    return _TEMPLATE.sub("{ ", _UNPRINTABLE.sub("", words)).strip()[:limit]


def line(text: object, limit: int = 160) -> str:
    """Return foreign text on one line."""
    return " ".join(plain(text).split())[:limit].strip()


def _difficulty(points: object) -> int:
    value = points if isinstance(points, (int, float)) else 100
    # Bounded before anything is reckoned with it: it may be no number, or no end to it.
    return round(min(500, max(100, value)) / 100)


def ladder(hints: Iterable[object]) -> list[dict[str, Any]]:
    """Return at most three written hints, what comes after them on the third, and the answer."""
    texts = [text for text in (plain(hint, 1500) for hint in hints) if text]
    first, rest = texts[:2], texts[2:]
    rungs = [*first, "\n\n".join(rest)] if rest else first
    written = [{"rung": number, "text": text} for number, text in enumerate(rungs, start=1)]
    return [*written, {"rung": 4, "from": "reference"}]


def write(draft: Draft, folder: Path) -> list[Problem]:
    """Write a draft's folder with its report; return what the checks of scenarios say about it."""
    folder.mkdir()
    yaml = YAML()
    yaml.width = 96
    text = io.StringIO()
    # Written out anew, so that no two parts are one: that would be an alias, which is refused.
    yaml.dump(json.loads(json.dumps(draft.spec)), text)
    contents = {
        SCENARIO_FILE: f"{EDITOR_LINE}{text.getvalue()}".encode(),
        BRIEF_FILE: f"# {draft.spec['title']}\n\n{draft.brief}\n".encode(),
        **draft.files,
    }
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    problems = checked(folder)[1]
    (folder / REPORT_FILE).write_text(report(draft, problems), encoding="utf-8")
    return problems


def report(draft: Draft, problems: Iterable[Problem]) -> str:
    """Return what became of the source, in Markdown."""
    return "\n".join(_report(draft, list(map(str, problems)))) + "\n"


def _report(draft: Draft, problems: list[str]) -> Iterator[str]:
    yield f"# {draft.slug}: a draft from {draft.source}\n"
    yield "Delete this file once everything below is done.\n"
    yield "## Carried over\n"
    yield from (f"- {each}" for each in draft.carried)
    yield "\n## Not carried over\n"
    yield from (f"- {each}" for each in draft.lost or ["Nothing was left behind."])
    yield "\n## What check_scenarios says\n"
    yield from (f"- {each}" for each in problems or ["Nothing."])
