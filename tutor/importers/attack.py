"""Reads ATT&CK from its official STIX bundle: each technique with mitigations and detection."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tutor.importers.reading import COLLECTION_LIMIT_BYTES, Entry, ImportRefused, bytes_of

LICENSE = "ATT&CK Terms of Use, © The MITRE Corporation"
_CITATION = re.compile(r"\(Citation: [^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\(https?://[^)\s]+\)")
_TAG = re.compile(r"</?(?:p|br|ul|li|b|i)\s*/?>")


def entries(path: Path) -> Iterator[Entry]:
    """Yield the techniques that are in force.

    Raises:
        ImportRefused: It is no STIX bundle, or one without techniques.
    """
    objects = _objects(path)
    by_id = {str(each.get("id")): each for each in objects if _in_force(each)}
    related = _related(objects, by_id)
    version = _version(objects)
    found = False
    for each in by_id.values():
        reference = _reference(each)
        if each.get("type") != "attack-pattern" or not reference:
            continue
        found = True
        code = reference["external_id"]
        yield Entry(
            name=code.casefold().replace(".", "-"),
            title=f"{code} {each.get('name', '')}",
            body=_body(each, related[each["id"]]),
            version=version,
            license=LICENSE,
            url=str(reference.get("url", "")),
        )
    if not found:
        raise ImportRefused(f"{path} holds no technique of ATT&CK.")


def _objects(path: Path) -> list[dict[str, Any]]:
    try:
        bundle = json.loads(bytes_of(path, limit=COLLECTION_LIMIT_BYTES))
    except (ValueError, RecursionError) as error:
        raise ImportRefused(f"{path} is not JSON.") from error
    if not isinstance(bundle, dict) or bundle.get("type") != "bundle":
        raise ImportRefused(f"{path} is no STIX bundle: take enterprise-attack.json.")
    objects = bundle.get("objects")
    if not isinstance(objects, list):
        raise ImportRefused(f"{path} is a bundle without objects.")
    return [each for each in objects if isinstance(each, dict)]


def _in_force(each: Mapping[str, Any]) -> bool:
    return not (each.get("revoked") or each.get("x_mitre_deprecated"))


def _version(objects: list[dict[str, Any]]) -> str:
    found = (each for each in objects if each.get("type") == "x-mitre-collection")
    return str(next(found, {}).get("x_mitre_version", ""))


def _reference(each: Mapping[str, Any]) -> dict[str, str] | None:
    for reference in each.get("external_references", []):
        if reference.get("source_name") == "mitre-attack" and reference.get("external_id"):
            return dict(reference)
    return None


def _related(
    objects: list[dict[str, Any]], by_id: Mapping[str, Any]
) -> Mapping[str, list[tuple[str, str]]]:
    """Return for each technique the ways to mitigate and to detect it, with their words."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in objects:
        kind = each.get("relationship_type")
        source = by_id.get(str(each.get("source_ref")))
        if kind in ("mitigates", "detects") and source and _in_force(each):
            said = _plain(str(each.get("description") or source.get("description") or ""))
            line = f"- {source.get('name', '')}: {said}" if said else f"- {source.get('name', '')}"
            found[str(each.get("target_ref"))].append((str(kind), line))
    return found


def _body(each: Mapping[str, Any], related: list[tuple[str, str]]) -> str:
    phases = [str(phase.get("phase_name", "")) for phase in each.get("kill_chain_phases", [])]
    parts = [f"## What it is\n\n{_plain(str(each.get('description', '')))}"]
    if phases:
        parts[0] += f"\n\nTactics: {', '.join(phase.replace('-', ' ') for phase in phases)}."
    for kind, heading in (("mitigates", "Mitigations"), ("detects", "Detection")):
        lines = [line for of, line in related if of == kind]
        if kind == "detects" and each.get("x_mitre_detection"):
            lines.insert(0, _plain(str(each["x_mitre_detection"])))
        if lines:
            parts.append(f"## {heading}\n\n" + "\n\n".join(lines))
    return "\n\n".join(parts)


def _plain(text: str) -> str:
    text = _LINK.sub(r"\1", _CITATION.sub("", text))
    return _TAG.sub("", text.replace("<code>", "`").replace("</code>", "`")).strip()
