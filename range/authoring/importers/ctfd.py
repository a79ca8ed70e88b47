"""Drafts from an export of CTFd: one for each of its entries, with flags, hints, files and tags."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from range.authoring.archive_names import ArchiveRefused
from range.authoring.importers.draft import OBJECTIVE, Draft, ladder, line, name_of, plain, slug_of
from range.checks.answer import AnswerCheck

TABLE_LIMIT_BYTES = 2 << 20
ENTRIES_LIMIT = 200
_CALM = frozenset({"crypto", "cryptography", "forensics", "osint", "misc", "stego", "reversing"})
type Row = Mapping[str, Any]


def drafts(folder: Path) -> list[Draft]:
    """Return a draft for each entry of an unpacked export.

    Raises:
        ArchiveRefused: It is no export, or a table cannot be read.
    """
    rows = _table(folder, "challenges")
    if not rows:
        raise ArchiveRefused("Expected an export with db/challenges.json, found none in it.")
    if len(rows) > ENTRIES_LIMIT:
        raise ArchiveRefused(f"The export holds more than {ENTRIES_LIMIT} entries; split it.")
    parts = {name: _by_entry(_table(folder, name)) for name in ("flags", "hints", "files", "tags")}
    found: list[Draft] = []
    for row in rows:
        slug = slug_of(line(row.get("name")), [draft.slug for draft in found])
        draft = Draft(slug=slug, title=line(row.get("name")), source="CTFd")
        key = row.get("id") if isinstance(row.get("id"), (int, str)) else None
        mine = {name: table.get(key, []) for name, table in parts.items()}
        _fill(draft, row, mine, folder)
        found.append(draft)
    return found


def _fill(draft: Draft, row: Row, mine: Mapping[str, list[Row]], folder: Path) -> None:
    category = line(row.get("category"), 40)
    mode = "investigate" if category.lower() in _CALM else "attack"
    draft.brief = plain(row.get("description")) or "Find the flag."
    tags = [name_of(line(each.get("value"), 40)) for each in mine["tags"]]
    draft.begin(summary=draft.brief, modes=[mode], points=row.get("value"))
    draft.spec |= {"tags": sorted({*tags, *([name_of(category)] if category else [])})[:20]}
    draft.spec |= {
        "networks": {"lan": {}},
        "machines": {
            "desk": {"networks": ["lan"], "console": {"user": "nobody"}, "seed": []},
        },
        "objectives": [
            {
                "key": OBJECTIVE,
                "title": "Find the flag",
                "checks": _checks(draft, row, mine["flags"]),
                "hints": ladder(each.get("content") for each in mine["hints"]),
            }
        ],
        "reference": _reference(mine["flags"]),
        "wrong": _wrong(mine["flags"]),
    }
    draft.carried += ["Name, description, category, tags.", f"{len(mine['hints'])} hints."]
    _files(draft, mine["files"], folder)
    draft.lost += _losses(row, mine)


def _checks(draft: Draft, row: Row, flags: list[Row]) -> dict[str, Any]:
    tries = row.get("max_attempts")
    limit = {"max_tries": min(tries, 100)} if isinstance(tries, int) and tries > 0 else {}
    checks = [{**check, **limit} for check in _answers(draft, flags)]
    if not checks:
        draft.lost.append("There was no flag that can be carried over; REPLACE-ME stands for it.")
        checks = [_answer("answer", equals="REPLACE-ME")]
    if flags:
        draft.lost.append(
            "The flag is the same for everybody. Draw one for each attempt instead: declare "
            f"`flag_{OBJECTIVE}: {{type: flag}}`, place it by a seed, and write `checks: "
            "{kind: flag}`."
        )
    return checks[0] if len(checks) == 1 else {"any_of": checks}


def _answers(draft: Draft, flags: list[Row]) -> Iterator[dict[str, Any]]:
    """Yield a check for each sort of flag: written out in either case, and each pattern."""
    for careless in (False, True):
        same = [
            line(flag.get("content"), 300)
            for flag in flags
            if flag.get("type", "static") == "static" and _is_careless(flag) is careless
        ]
        if same:
            steps = ["trim", "casefold"] if careless else ["trim"]
            words = {"equals": same[0]} if len(same) == 1 else {"one_of": same}
            yield _answer("any-case" if careless else "answer", **words, normalise=steps)
    for number, flag in enumerate(flags, start=1):
        if flag.get("type", "static") == "static":
            continue
        check = _answer(f"pattern-{number}", matches=_pattern(flag), normalise=["trim"])
        if flag.get("type") == "regex" and _is_accepted(check):
            yield check
        else:
            draft.lost.append(f"A flag of type {line(flag.get('type'), 30)}: write it as a check.")


def _answer(key: str, **words: Any) -> dict[str, Any]:
    return {"id": key, "kind": "answer", "prompt": "The flag", **words}


def _is_careless(flag: Row) -> bool:
    return flag.get("data") == "case_insensitive"


def _pattern(flag: Row) -> str:
    text = line(flag.get("content"), 300)
    return f"(?i){text}" if _is_careless(flag) else text


def _is_accepted(check: Mapping[str, Any]) -> bool:
    try:
        AnswerCheck.model_validate(check)
    except ValueError:
        return False
    return True


def _handed(flags: list[Row]) -> tuple[str, str]:
    """Return the check that an answer is handed in for, and the right one if it is known."""
    if not flags:
        return "answer", "REPLACE-ME"
    for flag in flags:
        if flag.get("type", "static") == "static" and line(flag.get("content"), 300):
            return "any-case" if _is_careless(flag) else "answer", line(flag["content"], 300)
    patterns = (n for n, flag in enumerate(flags, start=1) if flag.get("type") == "regex")
    return next((f"pattern-{number}" for number in patterns), "answer"), ""


def _reference(flags: list[Row]) -> dict[str, Any]:
    check, text = _handed(flags)
    if not text:
        return {}
    handed = {"objective": OBJECTIVE, "check": check, "text": text}
    return {OBJECTIVE: [{"submit": handed, "say": "Hand in what the contest gave as its flag."}]}


def _wrong(flags: list[Row]) -> dict[str, Any]:
    check, text = _handed(flags)
    tried = {"guess": ("A made-up flag.", "flag{guess}"), "cut": ("A part of it.", text[:-1])}
    return {
        name: {
            "about": about,
            "steps": [{"submit": {"objective": OBJECTIVE, "check": check, "text": words or "?"}}],
            "unmet": [OBJECTIVE],
        }
        for name, (about, words) in tried.items()
    }


def _files(draft: Draft, rows: list[Row], folder: Path) -> None:
    for row in rows:
        location = str(row.get("location", ""))
        name = PurePosixPath(location).name
        data = _upload(folder / "uploads", location)
        kept = None if data is None else draft.add_file(name, data)
        if kept is None:
            draft.lost.append(f"The file {line(location, 80)}: not in the export, or too large.")
            continue
        seed = {"file": kept, "to": f"/srv/{kept}"}
        draft.spec["machines"]["desk"]["seed"].append(seed)
        draft.carried.append(f"The file {line(name, 80)}, which lies in /srv/files.")


def _upload(uploads: Path, location: str) -> bytes | None:
    try:
        path = (uploads / location).resolve()
        inside = path.is_relative_to(uploads.resolve()) and path.is_file()
        return path.read_bytes() if inside else None
    except (OSError, ValueError):
        # Such as a name with a null character in it, or one that is far too long.
        return None


def _losses(row: Row, mine: Mapping[str, list[Row]]) -> Iterator[str]:
    yield f"How to solve it: the reference hands in the flag; write the steps under {OBJECTIVE}."
    yield "Which skill it tells about: name one under skills."
    yield f"Its points ({line(row.get('value'), 12)}): difficulty is a guess from them."
    if row.get("connection_info"):
        where = line(row["connection_info"], 120)
        yield f"The service at `{where}`: make a machine for it, with a build folder."
    if any(each.get("cost") for each in mine["hints"]):
        yield "What hints cost: here they never lower a grade."
    if row.get("requirements") or row.get("next_id"):
        yield "What must be solved before or after it: assign exercises in that order."
    if row.get("type", "standard") != "standard":
        yield f"Its type {line(row['type'], 30)}: points do not change with solves here."
    if row.get("state", "visible") != "visible":
        yield "That it was hidden: a draft is seen by nobody until it is published."


def _by_entry(rows: list[Row]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        owner = row.get("challenge_id", row.get("challenge"))
        if isinstance(owner, (int, str)):
            found[owner].append(row)
    return found


def _table(folder: Path, name: str) -> list[Row]:
    place = folder / "db" if (folder / "db").is_dir() else folder
    path = place / f"{name}.json"
    if not path.is_file():
        return []
    if path.stat().st_size > TABLE_LIMIT_BYTES:
        raise ArchiveRefused(f"db/{name}.json holds more than {TABLE_LIMIT_BYTES} bytes.")
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ArchiveRefused(f"db/{name}.json is no JSON that can be read.") from error
    rows = data.get("results") if isinstance(data, dict) else data
    return [row for row in rows or () if isinstance(row, dict)] if isinstance(rows, list) else []
