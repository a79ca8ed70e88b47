"""Reads detection rules in the form of Sigma, one article a rule, its author named."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tutor.importers.reading import Entry, ImportRefused, files_below, text_of

LICENSE = "Detection Rule License 1.1"
# A rule is an example of a technique, and might be an exercise's answer.
RUNG = 3


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the rules below a folder.

    Raises:
        ImportRefused: There is none, or a file cannot be read.
    """
    found = False
    for path in files_below(folder, ".yml", ".yaml"):
        for number, rule in enumerate(_rules(path)):
            found = True
            name = str(path.relative_to(folder).with_suffix(""))
            yield _entry(rule, f"{name}-{number}" if number else name)
    if not found:
        raise ImportRefused(f"{folder} holds no rule of Sigma.")


def _rules(path: Path) -> list[Mapping[str, Any]]:
    try:
        loaded = list(YAML(typ="safe", pure=True).load_all(text_of(path)))
    except (YAMLError, RecursionError, ValueError):
        # Among hundreds of rules one that is broken keeps nobody from the others.
        return []
    return [
        each
        for each in loaded
        if isinstance(each, dict) and "title" in each and isinstance(each.get("detection"), dict)
    ]


def _entry(rule: Mapping[str, Any], name: str) -> Entry:
    return Entry(
        name=name,
        title=f"Sigma: {rule['title']}",
        body=_body(rule),
        version=str(rule.get("modified") or rule.get("date") or ""),
        license=LICENSE,
        url=_address(rule),
        min_rung=RUNG,
    )


def _address(rule: Mapping[str, Any]) -> str:
    found = rule.get("references") or [""]
    return str(found[0]) if isinstance(found, list) else ""


def _body(rule: Mapping[str, Any]) -> str:
    said = [str(rule.get("description", "")).strip()]
    source = rule.get("logsource")
    if isinstance(source, dict):
        said.append("Log source: " + ", ".join(f"{k} {v}" for k, v in source.items()) + ".")
    said.append(f"Severity {rule.get('level', 'not given')}. Author: {rule.get('author', '?')}.")
    if tags := rule.get("tags"):
        said.append(f"Tags: {', '.join(map(_tag, tags))}.")
    parts = ["## What it finds\n\n" + "\n\n".join(each for each in said if each)]
    parts.append(f"## The rule\n\n```yaml\n{_yaml(rule['detection'])}\n```")
    if wrong := rule.get("falsepositives"):
        lines = wrong if isinstance(wrong, list) else [wrong]
        parts.append("## False alarms\n\n" + "\n".join(f"- {line}" for line in lines))
    return "\n\n".join(parts)


def _tag(tag: object) -> str:
    """Return a tag with the id in it as people write it: `attack.t1110` is T1110."""
    text = str(tag)
    last = text.removeprefix("attack.")
    return last.upper() if last != text and last[1:2].isdigit() else text


def _yaml(detection: Mapping[str, Any]) -> str:
    out = io.StringIO()
    YAML(typ="safe", pure=True).dump(dict(detection), out)
    return out.getvalue().rstrip()
