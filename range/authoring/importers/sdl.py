"""Drafts from a topology in the Open Cyber Range's SDL: its switches, machines and objectives."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from range.authoring.archive_names import ArchiveRefused
from range.authoring.importers.draft import Draft, line, name_of, plain, slug_of
from range.catalog.yaml_tree import read_tree

MACHINES_LIMIT = 12
NETWORKS_LIMIT = 8
OBJECTIVES_LIMIT = 20
MEMORY_LIMIT_MB = 512
# Parts that have no counterpart here, with what to write instead.
ADVICE = {
    "features": "install and configure it in the machine's build folder",
    "vulnerabilities": "make the weakness in the machine's build folder",
    "conditions": "write it as a check; checks look from outside, so no script is needed",
    "metrics": "give objectives a weight",
    "evaluations": "say what passes under grading",
    "injects": "messages during an attempt are not part of the format yet",
    "events": "what happens by itself is not part of the format yet",
    "scripts": "what happens by itself is not part of the format yet",
    "stories": "assign exercises one after the other",
    "entities": "people are assigned by cohorts, not by scenarios",
    "goals": "say it in the brief",
    "capabilities": "write them as objectives",
    "start": "give the exercise a window",
    "end": "give the exercise a window",
}


def drafts(path: Path) -> list[Draft]:
    """Return the draft of a scenario file.

    Raises:
        ArchiveRefused: It describes no machine.
        ScenarioInvalid: It is no YAML, or uses what is refused.
    """
    data = _lowered(read_tree(path.read_bytes(), file=path.name).value)
    data = _mapping(data, "scenario") or data if isinstance(data, dict) else {}
    nodes = _mapping(data, "nodes")
    if not any(_kind(node) == "vm" for node in nodes.values()):
        raise ArchiveRefused("Expected nodes of type VM, found none.")
    title = line(data.get("name")) or path.stem
    draft = Draft(slug=slug_of(title), title=title, source="SDL")
    draft.brief = plain(data.get("description")) or "Say here what is wanted."
    draft.begin(summary=draft.brief, modes=["defend"])
    networks, machines = _topology(draft, nodes, _mapping(data, "infrastructure"))
    draft.spec |= {"networks": networks, "machines": machines}
    draft.spec |= _objectives(draft, _mapping(data, "tlos"), next(iter(machines)))
    draft.lost += _losses(data)
    return [draft]


def _topology(
    draft: Draft, nodes: Mapping[str, Any], placed: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    switches = [name_of(name) for name, node in nodes.items() if _kind(node) == "switch"]
    networks: dict[str, Any] = {name: {} for name in switches[:NETWORKS_LIMIT]} or {"lan": {}}
    machines: dict[str, Any] = {}
    for name, node in nodes.items():
        if _kind(node) != "vm":
            continue
        where = placed.get(name, 1)
        where = where if isinstance(where, dict) else {"count": where}
        machine = _machine(draft, name, node, where, networks)
        for copy in _copies(name_of(name), where.get("count", 1)):
            if len(machines) < MACHINES_LIMIT:
                machines[copy] = dict(machine)
            else:
                draft.lost.append(f"The machine {copy}: a scenario has at most {MACHINES_LIMIT}.")
        draft.lost += _of_node(name, node, where)
    next(iter(machines.values()))["console"] = {"user": "nobody"}
    joined = {network for machine in machines.values() for network in machine["networks"]}
    for name in [each for each in (*networks, *switches) if each not in joined]:
        networks.pop(name, None)
        draft.lost.append(f"The network {name}: no machine joins it.")
    draft.carried.append(f"{len(machines)} machines on {len(networks)} networks.")
    draft.lost.append("Who works where: the first machine has a console; give others theirs.")
    return networks, machines


def _machine(
    draft: Draft,
    name: str,
    node: Mapping[str, Any],
    where: Mapping[str, Any],
    networks: Mapping[str, Any],
) -> dict[str, Any]:
    links = [name_of(line(each)) for each in _listed(where.get("links"))]
    joined = [link for link in dict.fromkeys(links) if link in networks][:4]
    if not joined:
        joined = [next(iter(networks))]
        draft.lost.append(f"{line(name, 40)} is linked to no switch: it joins {joined[0]}.")
    made: dict[str, Any] = {"networks": joined}
    if title := line(node.get("description"), 100):
        made["title"] = title
    memory = _megabytes(_mapping(node, "resources").get("ram"))
    if memory:
        made["resources"] = {"memory_mb": min(MEMORY_LIMIT_MB, max(32, memory))}
    return made


def _of_node(name: str, node: Mapping[str, Any], where: Mapping[str, Any]) -> Iterator[str]:
    shown = line(name, 40)
    source = node.get("source")
    image = source.get("name") if isinstance(source, dict) else source
    if image:
        yield (
            f"{shown}: its image {line(image, 60)}. Make machines/{name_of(name)}/Dockerfile on "
            f"the range's base image and write `build: machines/{name_of(name)}`."
        )
    if node.get("resources"):
        yield (
            f"{shown}: the size of a virtual machine; a container needs less, and gets at most "
            f"{MEMORY_LIMIT_MB} MiB here."
        )
    for part in ("features", "conditions", "injects", "vulnerabilities", "roles"):
        if names := list(_listed(node.get(part))):
            yield f"{shown}: {part} {line(', '.join(map(str, names)), 200)}."
    if names := list(_listed(where.get("dependencies"))):
        told = line(", ".join(map(str, names)), 200)
        yield f"{shown}: that it starts after {told}; machines start together, see `healthy`."
    if where.get("properties"):
        yield f"{shown}: fixed addresses; machines find each other by name."


def _objectives(draft: Draft, tlos: Mapping[str, Any], machine: str) -> dict[str, Any]:
    wanted = list(tlos.items())[:OBJECTIVES_LIMIT] or [("first", {"name": "Say what is wanted"})]
    objectives, reference = [], {}
    for key, tlo in wanted:
        name = name_of(key)
        told = tlo if isinstance(tlo, dict) else {}
        title = line(told.get("name"), 150)
        path = f"/srv/replace-me/{name}"
        objectives.append(
            {
                "key": name,
                "title": title if len(title) > 2 else name,
                "description": plain(told.get("description")),
                "checks": {"kind": "file", "machine": machine, "path": path},
                "hints": [{"rung": 4, "from": "reference"}],
            }
        )
        step = f"mkdir -p /srv/replace-me && touch {path}"
        reference[name] = [{"on": machine, "as": "root", "run": step}]
    draft.carried += [f"{len(tlos)} training objectives, by name and description."]
    draft.lost.append(
        "How objectives are judged: each looks for a file below /srv/replace-me meanwhile. Write "
        "real checks, a reference for each, and wrong solutions that must fail."
    )
    first = objectives[0]["key"]
    wrong = {
        "nothing": {
            "about": "A stand-in: nothing is done.",
            "steps": [{"on": machine, "as": "root", "run": "true"}],
            "unmet": [first],
        }
    }
    return {"objectives": objectives, "reference": reference, "wrong": wrong}


def _losses(data: Mapping[str, Any]) -> Iterator[str]:
    for part, advice in ADVICE.items():
        if part in data and data[part] is not None:
            names = list(data[part]) if isinstance(data[part], (dict, list)) else []
            shown = f" ({line(', '.join(map(str, names)), 200)})" if names else ""
            yield f"{part}{shown}: {advice}."
    known = {*ADVICE, "name", "description", "nodes", "infrastructure", "tlos"}
    for part in sorted(set(data) - known):
        yield f"{line(part, 60)}: unknown here."
    yield "Skills that objectives tell about, and hints: write them."


def _lowered(value: Any) -> Any:
    """Return the data with keys in lower case: the format accepts three ways of writing each."""
    if isinstance(value, dict):
        return {str(key).lower(): _lowered(each) for key, each in value.items()}
    return [_lowered(each) for each in value] if isinstance(value, list) else value


def _kind(node: Any) -> str:
    return str(node.get("type", "")).lower() if isinstance(node, dict) else ""


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, dict)):
        yield from value
    elif value is not None:
        yield value


def _copies(name: str, count: Any) -> list[str]:
    number = count if isinstance(count, int) and 1 <= count <= 50 else 1
    return [name] if number == 1 else [f"{name[:26]}-{each}" for each in range(1, number + 1)]


def _megabytes(text: Any) -> int:
    found = re.fullmatch(r"(\d{1,9})\s*([kmg]?)i?b?", str(text or "").strip().lower())
    if not found:
        return 0
    scale = {"": 1 / (1 << 20), "k": 1 / 1024, "m": 1, "g": 1024}[found[2]]
    return int(int(found[1]) * scale)
