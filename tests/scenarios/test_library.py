"""What the library's scenarios promise to readers, asserted on their files."""

import ast
import re
from functools import cache
from pathlib import Path
from uuid import UUID

import pytest
from ruamel.yaml import YAML

from range.catalog.hints import reference_lines
from range.catalog.lint import lint
from range.catalog.reader import read_scenario
from range.catalog.rendering import applies, rendered, variants
from range.catalog.topology_builder import build_topology
from range.catalog.variables import draw, secrets_among
from range.checks.combine import leaves
from range.competencies.readers import starter
from tests.scenarios.trial import LIBRARY
from tutor.chunking import parse
from tutor.overlap import runs, runs_of_all

SLUGS = sorted(path.parent.name for path in LIBRARY.glob("*/scenario.yaml"))
STARTER = Path(__file__).resolve().parents[2] / "range" / "competencies" / "starter"
STATES = Path(__file__).resolve().parents[2] / "tutor" / "evaluation" / "states"
# As many words in a row as the tutor's guard takes for a command.
STEP_RUN = 3
ATTEMPT = "00000000-0000-4000-8000-000000000001"


@cache
def loaded(slug):
    return read_scenario(LIBRARY / slug)


@cache
def skills():
    data = YAML(typ="safe", pure=True).load((STARTER / "skills.yaml").read_text("utf-8"))
    return {each["key"] for each in data["skills"]}


@cache
def codes_with_titles():
    return starter.read().nice.codes()


def words_of(text):
    return len(re.findall(r"\b[\w'’-]+\b", re.sub(r"`[^`]*`", " ", text)))


def written_for(slug):
    """Return what a scenario says for nothing, and by name what it says up to rung 2."""
    scenario = loaded(slug)
    free, helped = [scenario.brief, *seen_at_first(slug)], []
    for objective in scenario.spec.objectives:
        free.append(objective.description)
        helped += [(f"{objective.key} {h.rung}", h.text) for h in objective.hints if h.rung <= 2]
    for file in sorted((LIBRARY / slug / "knowledge").glob("*.md")):
        for piece in parse(file.read_text("utf-8"), name=file.name).pieces:
            if piece.min_rung == 0:
                free.append(piece.text)
            elif piece.min_rung <= 2:
                helped.append((f"{file.name}: {piece.heading}", piece.text))
    return free, helped


def seen_at_first(slug):
    """Return the text files that lie on a desk for everybody to read."""
    machines = [each for each in loaded(slug).spec.machines.values() if each.console]
    named = {seed.source for machine in machines for seed in machine.seed if seed.source}
    return [(LIBRARY / slug / each).read_text("utf-8") for each in named if ".txt" in each]


def typed_by(slug):
    """Return the lines that a scenario's reference solution types."""
    steps = [step for part in loaded(slug).spec.reference.values() for step in part]
    for step in steps:
        script = getattr(step, "script", None)
        text = (LIBRARY / slug / script).read_text("utf-8") if script else ""
        yield from f"{getattr(step, 'run', None) or ''}\n{text}".splitlines()


def withheld(slug):
    """Return the patterns that the tutor's evaluation counts as steps told."""
    path = STATES / f"{slug}.yaml"
    states = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))["states"]
    return {each for state in states for each in state["withhold"]}


@pytest.mark.parametrize("slug", SLUGS)
class TestEachScenario:
    def test_it_has_neither_error_nor_warning(self, slug):
        assert [str(problem) for problem in lint(loaded(slug))] == []

    def test_its_brief_is_a_page_and_not_a_book(self, slug):
        assert 150 <= words_of(loaded(slug).brief) <= 260

    def test_it_helps_on_every_rung_whatever_is_drawn(self, slug):
        spec = loaded(slug).spec
        for variant in variants(spec):
            for objective in spec.objectives:
                rungs = [h.rung for h in objective.hints if applies(h.when, variant)]
                assert sorted(rungs) == [1, 2, 3, 4], (objective.key, variant)

    def test_every_skill_it_speaks_of_is_in_the_catalogue(self, slug):
        spec = loaded(slug).spec
        named = {weight.key for objective in spec.objectives for weight in objective.skills}
        assert named <= skills()
        assert all(objective.skills for objective in spec.objectives)

    def test_every_code_it_names_has_a_title_in_the_starter_slice(self, slug):
        nice = loaded(slug).spec.frameworks["nice"]
        named = {*nice.work_roles, *nice.competency_areas, *nice.statements}
        assert named - codes_with_titles() == set()

    def test_its_articles_can_be_read_and_one_of_them_spoils(self, slug):
        files = sorted((LIBRARY / slug / "knowledge").glob("*.md"))
        articles = [parse(file.read_text("utf-8"), name=file.name) for file in files]
        assert 4 <= len(articles) <= 6
        assert len({each.front.slug for each in articles}) == len(articles)
        assert all(set(each.front.skills) <= skills() for each in articles)
        assert [each.front.spoils for each in articles].count(True) == 1
        assert min(each.front.min_rung for each in articles) == 0
        assert all(each.front.min_rung == 4 for each in articles if each.front.spoils)

    def test_an_article_that_does_not_spoil_names_no_line_of_the_reference(self, slug):
        lines = {line for line in reference_lines(loaded(slug).spec) if len(line) > 25}
        for file in (LIBRARY / slug / "knowledge").glob("*.md"):
            text = file.read_text("utf-8")
            if not parse(text, name=file.name).front.spoils:
                assert [line for line in lines if line in text] == []

    def test_what_is_written_for_the_lower_rungs_holds_no_step_of_the_reference(self, slug):
        """Hints and articles up to rung 2 say no three words in a row of what solves it.

        What everybody reads without asking, such as how the tools are called, is no help.
        """
        free, helped = written_for(slug)
        known = runs_of_all(free, length=STEP_RUN)
        steps = runs_of_all(typed_by(slug), length=STEP_RUN) - known
        kept_back = [re.compile(each, re.IGNORECASE) for each in withheld(slug)]
        for name, text in helped:
            assert sorted(runs(text, length=STEP_RUN) & steps) == [], name
            flat = " ".join(text.split())
            assert [each.pattern for each in kept_back if each.search(flat)] == [], name

    def test_a_trainee_is_told_what_is_missing_without_the_answer(self, slug):
        spec = loaded(slug).spec
        for objective in spec.objectives:
            for check in leaves(objective.checks):
                assert not re.search(r"chmod|setcap|sudoedit|urlsplit|FLAG", check.feedback)

    def test_machines_are_small(self, slug):
        assert sum(m.resources.memory_mb for m in loaded(slug).spec.machines.values()) <= 512


def test_the_first_scenario_tells_nothing_of_the_way_while_it_is_open():
    """Until the way is closed, what a trainee reads about it is the same on every desk."""
    spec = loaded("sudo-says").spec
    told = {
        check.feedback
        for check in leaves(spec.objective("close").checks)
        if check.id in {"sudo-rules", "own-programs", "job-files", "job-names", "sudo-environment"}
    }
    assert told == {"A way to root is still open, or a new one is."}


def test_the_image_of_the_first_scenario_is_the_same_for_every_way():
    text = (LIBRARY / "sudo-says" / "machines" / "desk" / "Dockerfile").read_text("utf-8")
    assert not re.search(r"chmod [24]|setcap|NOPASSWD|PYTHONPATH|secure_path|nano|less", text)
    assert [p.name for p in (LIBRARY / "sudo-says" / "machines" / "desk").iterdir()] == [
        "Dockerfile"
    ]


@pytest.mark.parametrize("way", [v["way"] for v in variants(loaded("sudo-says").spec)])
def test_a_desk_has_one_way_and_no_trace_of_the_others(way):
    scenario = loaded("sudo-says")
    values = draw(scenario.spec, b"test", UUID(ATTEMPT), epoch=1) | {"way": way}
    spec = rendered(scenario.spec, values)
    topology = build_topology(
        spec,
        assets=scenario.assets,
        images={"desk": "any"},
        values=values,
    )
    desk = topology.machine("desk")
    placed = "\n".join(file.data.decode() for file in desk.files if file.path != "/root/flag.txt")
    commands = "\n".join(" ".join(argv) for argv in desk.setup)
    modes = {file.path.rsplit("/", 1)[-1]: file.mode for file in desk.files}
    rules = next(f.data.decode() for f in desk.files if f.path.startswith("/etc/sudoers.d/"))
    signs = {
        "sudo-pager": "/usr/bin/less" in rules,
        "sudo-editor": "nano" in rules,
        "sudo-path": "!secure_path" in rules,
        "sudo-env": "env_keep" in rules,
        "setuid-copy": "4755" in commands,
        "capability": "setcap" in commands,
        "cron-script": modes["close.sh"] == 0o777,
        "tar-wildcard": re.search(r"tar .* \*$", placed, re.MULTILINE) is not None,
    }
    assert [name for name, there in signs.items() if there] == [way]
    assert way not in placed + commands


def test_the_clinic_ships_functional_tests_and_none_of_security():
    text = (LIBRARY / "clinic-portal" / "portal" / "tests.py").read_text("utf-8")
    names = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(names) >= 12
    assert not re.search(r"records:|9100|redirect|stranger|@127", text)


def test_the_clinic_is_judged_by_at_least_twelve_functions_and_by_fresh_data():
    every_day = next(leaves(loaded("clinic-portal").spec.objective("keep-working").checks))
    assert len(every_day.cases) >= 12
    uploads = [r for case in every_day.cases for r in case.requests if "doc" in r.save]
    assert len(uploads) >= 5


def test_the_clinics_production_and_desk_run_the_same_source():
    machines = loaded("clinic-portal").spec.machines
    shared = {"portal/app.py", "portal/store.py", "portal/letters.py"}
    for name in ("desk", "portal"):
        assert shared <= {seed.file for seed in machines[name].seed if seed.file}


def test_no_secret_of_the_clinics_production_lies_on_the_desk():
    scenario = loaded("clinic-portal")
    values = draw(scenario.spec, b"test", UUID(ATTEMPT), epoch=1)
    spec = rendered(scenario.spec, values)
    topology = build_topology(
        spec,
        assets=scenario.assets,
        images=dict.fromkeys(spec.machines, "any"),
        values=values,
    )
    on_desk = b"\n".join(file.data for file in topology.machine("desk").files).decode()
    secret = dict(secrets_among(scenario.spec, values))
    found = sorted(name for text, name in secret.items() if text in on_desk)
    assert found == ["⟦SECRET:my_password⟧"]
    assert len(secret) == 5
