"""What editors check by the exported schema is what the range accepts."""

import copy
import json
import re
from pathlib import Path

import pytest

from range.authoring.skeleton import KINDS, SKELETONS
from range.catalog.editor_schema import SCHEMA_FILE, refresh_schema, schema_text
from range.catalog.yaml_tree import read_tree
from tests.catalog.json_schema import objections
from tests.catalog.support import SPEC, changed

CLONE = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(schema_text())
WRITTEN = [
    *sorted((CLONE / "scenarios").glob("*/scenario.yaml")),
    *(SKELETONS / kind / "scenario.yaml" for kind in KINDS),
]


def read(path):
    return read_tree(path.read_bytes(), file=path.name).value


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.parent.name)
def test_every_scenario_that_is_accepted_is_accepted_by_the_schema(path):
    assert objections(read(path), SCHEMA) == []


def test_the_scenario_of_the_how_to_page_is_accepted():
    text = (CLONE / "docs" / "how-to" / "write-a-scenario.md").read_text()
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    assert objections(read_tree(block.encode(), file="page").value, SCHEMA) == []


@pytest.mark.parametrize(
    "shorter",
    [
        ("machines", "box", "setup", 0, ["touch", "/srv/x"]),
        ("machines", "box", "seed", 0, "owner", 1000),
        ("machines", "box", "seed", 0, "when", {"way": "cron"}),
        ("machines", "box", "seed", 0, "when", {"way": ["cron", "suid"]}),
        ("reference", "enter", 0, "run", ["cd /srv", "cat note"]),
        ("reference", "enter", 0, "submit", "enter"),
        ("reference", "enter", 0, "submit", {"objective": "enter", "capture": "FLAG.*"}),
        ("objectives", 0, "checks", {"kind": "flag"}),
    ],
    ids=str,
)
def test_every_short_form_that_is_accepted_is_accepted_by_the_schema(shorter):
    from range.catalog.schema import ScenarioSpec

    data = put(changed(), shorter)
    ScenarioSpec.model_validate(data)
    assert objections(data, SCHEMA) == []


@pytest.mark.parametrize(
    "wrong",
    [
        ("titel", "Misspelt"),  # typos: ignore
        ("difficulty", 6),
        ("difficulty", "3"),
        ("modes", []),
        ("id", "Small Desk"),
        ("machines", "box", "image", "debian:bookworm"),
        ("machines", "box", "seed", 0, "mode", 644),
        ("machines", "box", "console", {"user": "Root!"}),
        ("objectives", 0, "checks", {"kind": "flog"}),
        ("objectives", 0, "hints", 0, "rung", 5),
        ("variables", "password", {"type": "passwort"}),  # typos: ignore
        ("reference", "enter", 0, "submit", 7),
        ("reference", "enter", 0, "account", 7),
    ],
    ids=str,
)
def test_what_is_refused_is_marked_in_the_editor(wrong):
    assert objections(put(changed(), wrong), SCHEMA) != []


def put(data, path):
    """Return data with one place changed: keys and positions, then the value."""
    data = copy.deepcopy(data)
    *above, last, value = path
    part = data
    for step in above:
        part = part[step]
    part[last] = value
    return data


def test_a_missing_part_is_marked():
    data = copy.deepcopy(SPEC)
    del data["machines"]
    assert objections(data, SCHEMA) != []


def test_the_copy_beside_the_scenarios_is_brought_up_to_date(tmp_path):
    refresh_schema(tmp_path)
    path = tmp_path / SCHEMA_FILE
    assert path.read_text() == schema_text()
    path.write_text("{}")
    refresh_schema(tmp_path)
    assert path.read_text() == schema_text()
    before = path.stat().st_mtime_ns
    refresh_schema(tmp_path)
    assert path.stat().st_mtime_ns == before
