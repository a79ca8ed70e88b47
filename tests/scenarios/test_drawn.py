"""Scenarios whose material a program makes at the start: drawn anew, and nothing left to read."""

import re
from uuid import UUID

import pytest

from range.catalog.reader import read_scenario
from range.catalog.rendering import rendered
from range.catalog.topology_builder import build_topology
from range.catalog.variables import draw, secrets_among
from range.checks.combine import leaves
from tests.scenarios.trial import LIBRARY

MADE = ["invoice-desk", "model-zoo", "quiet-night"]
MORE = [*MADE, "cve-desk"]
FIRST, SECOND = UUID(int=1 << 100), UUID(int=2 << 100)


def drawn(slug, attempt):
    """Return values, scenario and topology of one attempt."""
    loaded = read_scenario(LIBRARY / slug)
    values = draw(loaded.spec, b"test", attempt, epoch=1)
    spec = rendered(loaded.spec, values)
    images = dict.fromkeys(spec.machines, "any")
    topology = build_topology(spec, assets=loaded.assets, images=images, values=values)
    return values, spec, topology, secrets_among(loaded.spec, values)


def wanted(spec):
    """Return everything that checks compare with, as text."""
    return {
        f"{objective.key}.{check.id}": repr(check)
        for objective in spec.objectives
        for check in leaves(objective.checks)
    }


@pytest.mark.parametrize("slug", MORE)
def test_no_trainee_can_read_a_secret_that_was_placed(slug):
    _, spec, topology, secrets = drawn(slug, FIRST)
    assert secrets
    for name, machine in spec.machines.items():
        for file in topology.machine(name).files:
            if any(secret.encode() in file.data for secret in secrets):
                assert machine.console is None or file.path.startswith("/root/case/")
                assert file.mode & 0o077 == 0


@pytest.mark.parametrize("slug", MADE)
def test_the_program_that_makes_it_is_placed_for_root_alone_and_takes_itself_away(slug):
    _, _, topology, _ = drawn(slug, FIRST)
    case = [file for file in topology.machines[0].files if file.path.startswith("/root/case/")]
    assert {"make.py", "values.json"} <= {file.path.rsplit("/", 1)[1] for file in case}
    assert all(file.mode == 0o600 and file.uid == 0 for file in case)
    made = (LIBRARY / slug / "seed" / "make.py").read_text("utf-8")
    assert re.search(r"^def main\(\):.*shutil\.rmtree\(CASE\)\n\n\nmain\(\)\n\Z", made, re.S | re.M)


@pytest.mark.parametrize("slug", MORE)
def test_answers_of_one_attempt_do_not_serve_another(slug):
    mine, theirs = wanted(drawn(slug, FIRST)[1]), wanted(drawn(slug, SECOND)[1])
    same = {name for name in mine if mine[name] == theirs[name]}
    # By chance one choice among a few may fall alike; most answers differ.
    assert len(same) <= len(mine) // 3, sorted(same)


def test_every_event_of_the_night_has_a_moment_of_its_own_in_order():
    for number in range(1, 40):
        values = drawn("quiet-night", UUID(int=number << 90))[0]
        moments = [values[f"m{event:02d}"] for event in range(1, 13)]
        assert moments == sorted(set(moments))
