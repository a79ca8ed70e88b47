"""The labelled sets: enough of each, nothing twice, and everything they name is there."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from range.catalog.reader import read_scenario
from range.checks.combine import leaves
from range.checks.rubric import RubricCheck
from tutor.evaluation import sets
from tutor.ingest import documents

LIBRARY = Path(__file__).resolve().parents[2] / "scenarios"
SCENARIOS = {path.parent.name for path in LIBRARY.glob("*/scenario.yaml")}
EVERY_SET = (sets.states, sets.attacks, sets.conversations, sets.injections, sets.honest)


@pytest.fixture(scope="module")
def specs():
    return {name: read_scenario(LIBRARY / name).spec for name in sorted(SCENARIOS)}


@pytest.fixture(scope="module")
def sections():
    """Return every section of every article, as slug#heading, with the scenarios it is in."""
    found = {}
    for document in documents(LIBRARY):
        _, front, body = document.path.read_text().split("---\n", 2)
        title = YAML(typ="safe", pure=True).load(front)["title"]
        prose = re.sub(r"^```.*?^```$", "", body, flags=re.DOTALL | re.MULTILINE)
        headings = re.findall(r"^#{1,4} +(.+?) *#*$", prose, flags=re.MULTILINE)
        for heading in [title, *headings]:
            found.setdefault(f"{document.path.stem}#{heading}", set()).add(document.scenario)
    return found


def test_there_are_enough_of_each():
    assert len(sets.states()) >= 60
    assert len(sets.transcripts()) >= 60
    assert len(sets.attacks()) + len(sets.conversations()) + len(sets.injections()) >= 300
    assert len(sets.conversations()) >= 40
    assert len(sets.honest()) >= 100
    assert len(sets.labelled()) >= 200


@pytest.mark.parametrize("rows", [*EVERY_SET, sets.transcripts], ids=lambda each: each.__name__)
def test_every_name_occurs_once(rows):
    names = [each.id for each in rows()]
    assert len(names) == len(set(names))


def test_nothing_is_asked_twice():
    for texts in (
        [each.ask for each in sets.attacks()],
        [each.ask for each in sets.honest()],
        [each.ask for each in sets.labelled()],
        [each.turns for each in sets.conversations()],
        [each.text for each in sets.injections()],
        [each.report for each in sets.transcripts()],
        [each.question for each in sets.states()],
    ):
        assert len(texts) == len(set(texts))


@pytest.mark.parametrize("rows", EVERY_SET, ids=lambda each: each.__name__)
def test_each_set_covers_the_whole_library_that_it_knows(rows):
    covered = {each.scenario for each in rows()}
    assert covered <= SCENARIOS
    assert len(covered) >= 9


@pytest.mark.parametrize("rows", [*EVERY_SET, sets.transcripts], ids=lambda each: each.__name__)
def test_every_objective_exists(rows, specs):
    known = {(name, objective.key) for name, spec in specs.items() for objective in spec.objectives}
    assert {(each.scenario, each.objective) for each in rows()} <= known


def test_every_objective_that_is_attacked_has_a_moment_to_do_it_in():
    with_moment = {(each.scenario, each.objective) for each in sets.states()}
    for rows in (sets.attacks, sets.conversations, sets.injections, sets.honest, sets.transcripts):
        assert {(each.scenario, each.objective) for each in rows()} <= with_moment


def test_moments_name_objectives_and_variables_that_exist(specs):
    for state in sets.states():
        spec = specs[state.scenario]
        assert set(state.met) <= {each.key for each in spec.objectives}
        assert set(state.variables) <= set(spec.variables)
        named = re.findall(r"\{\{ (\w+) \}\}", "".join(f"{c.run}{c.out}" for c in state.commands))
        assert set(named) <= set(spec.variables)


def test_patterns_can_be_read_and_none_finds_nothing_at_all():
    patterns = [each for state in sets.states() for each in state.withhold]
    patterns += [each.obeyed for each in sets.injections() if each.channel != "report"]
    for pattern in patterns:
        assert not re.compile(pattern).search("")


def test_a_moment_withholds_nothing_that_its_author_says_on_the_first_rungs(specs):
    """Otherwise the tutor would be blamed for the author's own words."""
    for state in sets.states():
        objective = next(o for o in specs[state.scenario].objectives if o.key == state.objective)
        said = " ".join(hint.text or "" for hint in objective.hints if hint.rung < 3)
        assert not [each for each in state.withhold if re.search(each, said, re.IGNORECASE)]


def test_injections_come_by_every_way():
    ways = {each.channel for each in sets.injections()}
    assert ways == {"output", "filename", "selection", "report"}
    assert all(each.ask and each.obeyed for each in sets.injections() if each.channel != "report")


def test_attacks_come_by_many_ways():
    assert len({each.family for each in sets.attacks()}) >= 15


def test_graded_reports_fit_their_rubric_and_their_lines(specs):
    for report in sets.transcripts():
        objective = next(
            each for each in specs[report.scenario].objectives if each.key == report.objective
        )
        checks = [each for each in leaves(objective.checks) if isinstance(each, RubricCheck)]
        levels = {each.id: len(each.levels) - 1 for check in checks for each in check.criteria}
        assert report.scores.keys() == levels.keys()
        assert all(0 <= level <= levels[key] for key, level in report.scores.items())
        # A level above nothing rests on lines that are there.
        assert report.spans.keys() == {key for key, level in report.scores.items() if level}
        lines = report.report.splitlines()
        assert all(1 <= first <= last <= len(lines) for first, last in report.spans.values())


def test_graded_reports_have_every_level_of_every_criterion():
    seen = {
        (report.scenario, criterion, level)
        for report in sets.transcripts()
        for criterion, level in report.scores.items()
    }
    assert len(seen) == 2 * 4 * 3


def test_labelled_questions_name_sections_that_exist_and_may_be_read(sections):
    for question in sets.labelled():
        assert set(question.want) <= sections.keys()
        assert set(question.want.values()) <= {1, 2}
        assert 2 in question.want.values()
        assert all(sections[each] & {"", question.scenario} for each in question.want)


def test_both_halves_of_the_labelled_questions_have_both_kinds():
    for half in (sets.labelled()[0::2], sets.labelled()[1::2]):
        kinds = [each.kind for each in half]
        assert kinds.count("identifier") >= 25
        assert kinds.count("paraphrase") >= 100
