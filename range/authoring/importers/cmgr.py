"""Drafts from a problem folder of cmgr: its problem.md or problem.json, and nothing it builds."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from range.authoring.archive_names import ArchiveRefused
from range.authoring.importers.draft import OBJECTIVE, Draft, ladder, line, name_of, plain, slug_of

SIZE_LIMIT_BYTES = 256 << 10
# Stripped afterwards: a pattern that did it would try every space with every other.
_SECTION = re.compile(r"^##[ \t]+(.+)$", re.MULTILINE)
_PAIR = re.compile(r"^[-*][ \t]+([A-Za-z][\w ]{0,40}):(.*)$", re.MULTILINE)
_ITEM = re.compile(r"^[-*][ \t]+(.+)$", re.MULTILINE)
# What a problem's words ask of the place it runs in, such as {{server}} or {{port("web")}}.
_PLACE = re.compile(r"\{\{\s*(\w+)\s*(?:\([^{}]*\)\s*)?\}\}")
_WORDS = frozenset({"description", "details", "hints", "tags", "attributes"})
_KNOWN = frozenset({"type", "category", "points", "id"})


@dataclass
class Problem:
    """What a problem's file says, whichever of the two it is."""

    title: str
    pairs: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def drafts(folder: Path) -> list[Draft]:
    """Return the draft of a problem's folder.

    Raises:
        ArchiveRefused: There is no problem file in it, or it cannot be read.
    """
    problem = _read(folder)
    title = line(problem.title)
    slug = slug_of(line(problem.pairs.get("id") or title))
    draft = Draft(slug=slug, title=title, source="cmgr")
    words = [problem.sections.get(name, "") for name in ("description", "details")]
    draft.brief = "\n\n".join(_placed(text) for text in words if text)
    points = _number(problem.pairs.get("points"))
    draft.begin(summary=_placed(words[0]), modes=["attack"], points=points)
    tags = {name_of(line(each, 40)) for each in (*problem.tags, problem.pairs.get("category"))}
    draft.spec["tags"] = sorted(tags - {name_of("")})[:20]
    draft.spec |= _body(draft, problem)
    draft.carried += ["Name, description, details, category, tags.", f"{len(problem.hints)} hints."]
    draft.lost += _losses(problem, folder)
    return [draft]


def _body(draft: Draft, problem: Problem) -> dict[str, Any]:
    machine: dict[str, Any] = {
        "networks": ["lan"],
        "console": {"user": "nobody"},
        "seed": [{"text": "{{ flag_solve }}\n", "to": "/root/flag.txt", "mode": "0600"}],
    }
    if resources := _resources(problem):
        machine["resources"] = resources
        draft.carried.append(f"Limits: {', '.join(resources)}.")
    show = {"on": "target", "as": "root", "run": "cat /root/flag.txt", "submit": OBJECTIVE}
    wrong = {"submit": {"objective": OBJECTIVE, "text": "flag{guess}", "capture": ".+"}}
    return {
        "variables": {"flag_solve": {"type": "flag"}},
        "networks": {"lan": {}},
        "machines": {"target": machine},
        "objectives": [
            {
                "key": OBJECTIVE,
                "title": "Find the flag",
                "checks": {"kind": "flag"},
                "hints": ladder(_placed(each) for each in problem.hints),
            }
        ],
        "reference": {OBJECTIVE: [{**show, "say": "A stand-in: write the real way here."}]},
        "wrong": {
            "guess": {"about": "A made-up flag.", "steps": [wrong], "unmet": [OBJECTIVE]},
        },
    }


def _losses(problem: Problem, folder: Path) -> Iterator[str]:
    kind = line(problem.pairs.get("type"), 30) or "unknown"
    yield (
        f"What its type ({kind}) builds: write machines/target/Dockerfile on the range's base "
        "image, and `build: machines/target`. Then place the flag where the way leads to; it "
        "lies in /root/flag.txt meanwhile."
    )
    yield "How to solve it: the reference reads the flag as root. Write the real steps."
    yield "Which skill it tells about: name one under skills."
    others = [p.name for p in sorted(folder.iterdir()) if not p.name.startswith("problem.")]
    if others:
        yield f"Its files, which are programs to read first: {line(', '.join(others), 300)}."
    for name in sorted(
        {found[1] for found in _PLACE.finditer(" ".join(problem.sections.values()))}
    ):
        yield f"`{name}` in its words: the text now says (target); name the machine and port."
    for key, value in sorted(problem.pairs.items()):
        if key not in _KNOWN:
            yield f"{line(key, 40)}: {line(value, 120)}."
    for name in sorted(problem.sections.keys() - _WORDS - {"container options"}):
        yield f"The section {line(name, 60)}."
    for key, value in _pairs(problem.sections.get("attributes", "")):
        yield f"The attribute {line(key, 40)}: {line(value, 120)}."


def _placed(text: str) -> str:
    """Return text that names the machine where the place it ran in was to be filled in."""
    return plain(_PLACE.sub("(target)", text))


def _resources(problem: Problem) -> dict[str, Any]:
    options = {
        key.lower(): value for key, value in _pairs(problem.sections.get("container options", ""))
    }
    found: dict[str, Any] = {}
    cores, pids = _number(options.get("cpus")), _number(options.get("pidslimit"))
    memory = re.fullmatch(r"(\d{1,6})\s*([mg])b?", options.get("memory", "").lower())
    if 0 < cores <= 4:
        found["cpu_cores"] = cores
    if memory:
        megabytes = int(memory[1]) * (1024 if memory[2] == "g" else 1)
        found["memory_mb"] = min(4096, max(32, megabytes))
    if 16 <= pids <= 1024:
        found["pids"] = int(pids)
    return found


def _number(text: object) -> float:
    try:
        value = float(str(text)[:12])
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _read(folder: Path) -> Problem:
    for name, understood in (("problem.md", _markdown), ("problem.json", _json)):
        path = folder / name
        if path.is_file() and not path.is_symlink():
            if path.stat().st_size > SIZE_LIMIT_BYTES:
                raise ArchiveRefused(f"{name} holds more than {SIZE_LIMIT_BYTES} bytes.")
            try:
                return understood(path.read_bytes().decode("utf-8"))
            except (ValueError, RecursionError) as error:
                raise ArchiveRefused(f"{name} cannot be read as what its name says.") from error
    raise ArchiveRefused("Expected a folder with problem.md or problem.json, found neither.")


def _markdown(text: str) -> Problem:
    start, *parts = _SECTION.split(text)
    sections = {
        name.strip().lower(): body.strip()
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
    title = next((row[2:] for row in start.splitlines() if row.startswith("# ")), "")
    if not title:
        raise ValueError("no title")
    return Problem(
        title=title,
        pairs={key.lower(): value for key, value in _pairs(start)},
        sections=sections,
        hints=_items(sections.get("hints", "")),
        tags=_items(sections.get("tags", "")),
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(key.strip(), value.strip()) for key, value in _PAIR.findall(text)]


def _items(text: str) -> list[str]:
    return [each for item in _ITEM.findall(text) if (each := item.strip())]


def _json(text: str) -> Problem:
    data = json.loads(text)
    if not isinstance(data, Mapping) or not data.get("name"):
        raise ValueError("no name")
    pairs = {
        str(key).lower(): str(value)
        for key, value in data.items()
        if key not in ("name", "description", "details", "hints", "tags", "attributes")
        and isinstance(value, (str, int, float))
    }
    pairs.setdefault("points", str(data.get("score", "")))
    pairs.pop("score", None)
    named = data.get("attributes")
    attributes = (
        "\n".join(f"- {k}: {v}" for k, v in named.items()) if isinstance(named, dict) else ""
    )
    return Problem(
        title=str(data["name"]),
        pairs=pairs,
        sections={
            "description": str(data.get("description", "")),
            "details": str(data.get("details", "")),
            "attributes": attributes,
        },
        hints=_strings(data.get("hints")),
        tags=_strings(data.get("tags")),
    )


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
