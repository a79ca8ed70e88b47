import os

import pytest

from range.catalog.problems import ScenarioInvalid
from range.catalog.reader import read_scenario
from tests.catalog.support import changed, write


def problems(folder):
    with pytest.raises(ScenarioInvalid) as caught:
        read_scenario(folder)
    return caught.value.problems


def only_problem(tmp_path, **parts):
    (problem,) = problems(write(tmp_path / "s", changed(**parts)))
    return problem


def with_machine(**fields):
    machines = changed()["machines"]
    return {"machines": {"box": machines["box"] | fields}}


def test_a_whole_scenario_is_read(loaded):
    assert loaded.spec.id == "small-desk"
    assert loaded.brief.startswith("# Small desk")
    assert [check.kind for check in [loaded.spec.objectives[0].checks]] == ["flag"]
    assert loaded.spec.objectives[0].checks.id == "flag"


def test_what_is_stored_holds_brief_seeds_and_knowledge_only(loaded):
    assert set(loaded.assets) == {"brief.md", "seed/note.j2", "knowledge/rights.md"}


def test_the_digest_is_over_every_file(folder):
    before = read_scenario(folder).digest
    assert read_scenario(folder).digest == before
    (folder / "machines/box/Dockerfile").write_text("FROM ${BASE}\nRUN true\n")
    changed_file = read_scenario(folder).digest
    (folder / "machines/box/extra").write_text("x")
    added = read_scenario(folder).digest
    (folder / "machines/box/extra").chmod(0o755)
    executable = read_scenario(folder).digest
    assert len({before, changed_file, added, executable}) == 4


def test_the_digest_ignores_what_editors_leave(folder):
    before = read_scenario(folder).digest
    (folder / "brief.md~").write_text("old")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("x")
    assert read_scenario(folder).digest == before


def test_a_folder_without_a_scenario_says_so(tmp_path):
    (problem,) = problems(tmp_path)
    assert "scenario.yaml" in problem.expected


def test_an_unknown_key_names_its_line_and_the_nearest_key(tmp_path):
    problem = only_problem(tmp_path, sumary="x" * 20)
    assert problem.found == "the key sumary"
    assert problem.suggestion == "Did you mean summary?"
    text = (tmp_path / "s" / "scenario.yaml").read_text().splitlines()
    assert text[problem.line - 1].startswith("sumary:")


@pytest.mark.parametrize(
    ("fields", "where", "suggestion"),
    [
        ({"netwroks": ["lan"]}, "machines.box.netwroks", "Did you mean networks?"),
        ({"console": {"usr": "ann"}}, "machines.box.console.usr", "Did you mean user?"),
        (
            {"seed": [{"text": "x", "to": "/x", "mod": "0644"}]},
            "machines.box.seed[0].mod",
            "Did you mean mode?",
        ),
        (
            {"setup": [{"run": ["id"], "wen": {}}]},
            "machines.box.setup[0].wen",
            "Did you mean when?",
        ),
        ({"healthy": {"tpc": 22}}, "machines.box.healthy.tpc", "Did you mean tcp?"),
    ],
)
def test_keys_deep_inside_are_suggested_from_their_own_place(tmp_path, fields, where, suggestion):
    found = problems(write(tmp_path / "s", changed(**with_machine(**fields))))
    problem = next(each for each in found if each.where == where)
    assert problem.suggestion == suggestion


def with_check(**check):
    objectives = changed()["objectives"]
    objectives[1]["checks"] = {"all_of": [check]}
    return {"objectives": objectives}


def test_an_unknown_kind_of_check_names_the_nearest(tmp_path):
    problem = only_problem(tmp_path, **with_check(kind="fil", machine="box", path="/x"))
    assert problem.where == "objectives[1].checks.all_of[0]"
    assert problem.found == "'fil'"
    assert problem.suggestion == "Did you mean file?"


def test_a_reserved_kind_says_that_it_is_not_yet_supported(tmp_path):
    problem = only_problem(tmp_path, **with_check(kind="adversary"))
    assert "not yet supported" in problem.suggestion


def test_keys_of_a_check_are_suggested_from_its_kind(tmp_path):
    problem = only_problem(
        tmp_path, **with_check(kind="file", machine="box", path="/x", mode_clean="6000")
    )
    assert problem.where == "objectives[1].checks.all_of[0].mode_clean"
    assert problem.suggestion == "Did you mean mode_clear?"
    assert "may_not" not in problem.expected


def test_an_unknown_type_of_variable_names_the_nearest(tmp_path):
    variables = changed()["variables"] | {"x": {"type": "pasword"}}
    problem = only_problem(tmp_path, variables=variables)
    assert problem.where == "variables.x"
    assert problem.suggestion == "Did you mean password?"


@pytest.mark.parametrize("part", ["services", "adversary", "injects"])
def test_reserved_parts_are_refused_with_a_clear_word(tmp_path, part):
    problem = only_problem(tmp_path, **{part: {"x": 1}})
    assert "not yet supported" in problem.suggestion


@pytest.mark.parametrize(
    ("parts", "where", "expected"),
    [
        ({"schema": 2}, "schema", "one of 1"),
        ({"difficulty": 9}, "difficulty", "less than or equal to 5"),
        ({"difficulty": "hard"}, "difficulty", "a whole number"),
        ({"version": 1.0}, "version", "text; put it in quotes"),
        ({"sector": "hospitel"}, "sector", "hospital"),
        ({"modes": "attack"}, "modes", "a list"),
        ({"title": None}, "", "the key title"),
        ({"id": "Small Desk"}, "id", "text like"),
    ],
)
def test_messages_say_what_was_expected(tmp_path, parts, where, expected):
    problem = only_problem(tmp_path, **parts)
    assert problem.where == where
    assert expected in problem.expected


def test_permission_bits_without_quotes_are_text_all_the_same(tmp_path):
    folder = write(tmp_path / "s")
    path = folder / "scenario.yaml"
    text = path.read_text()
    assert "mode: '0600'" in text
    path.write_text(text.replace("mode: '0600'", "mode: 0600"))
    assert read_scenario(folder).spec.machines["box"].seed[0].mode == "0600"


def test_permission_bits_as_a_number_are_explained(tmp_path):
    seed = [{"text": "x", "to": "/x", "mode": 644}]
    problem = only_problem(tmp_path, **with_machine(seed=seed))
    assert "in quotes" in problem.expected


@pytest.mark.parametrize(
    "fields",
    [
        {"security": {"allow_privilege_gain": True}},
        {"security": {"add_capabilities": ["SYS_ADMIN"], "reason": "because it is needed"}},
        {"security": {"add_capabilities": ["SYS_MODULE"], "reason": "because it is needed"}},
        {
            "security": {"allow_privilege_gain": True, "reason": "because it is needed"},
            "stronger_runtime": True,
        },
        {"image": "debian:bookworm"},
        {"build": "../../etc"},
        {"build": "/etc"},
        {"privileged": True},
        {"volumes": ["/:/host"]},
        {"resources": {"memory_mb": 1_000_000}},
        {"networks": []},
        {"seed": [{"file": "../../../etc/shadow", "to": "/x"}]},
        {"seed": [{"text": "x", "file": "y", "to": "/x"}]},
        {"seed": [{"text": "x", "to": "relative"}]},
        {"setup": ["rm -rf /"]},
    ],
)
def test_attack_widening_without_reason_and_reaching_outside_are_refused(tmp_path, fields):
    found = problems(write(tmp_path / "s", changed(**with_machine(**fields))))
    assert all(problem.where.startswith("machines.box") for problem in found)


def test_a_flag_check_needs_its_variable(tmp_path):
    variables = changed()["variables"]
    del variables["flag_enter"]
    assert "flag_enter" in only_problem(tmp_path, variables=variables).expected


def test_attack_links_and_devices_in_the_folder_are_refused(folder):
    (folder / "machines" / "box" / "shadow").symlink_to("/etc/shadow")
    os.mkfifo(folder / "pipe")
    found = problems(folder)
    assert {problem.file for problem in found} == {"machines/box/shadow", "pipe"}


def test_attack_the_scenario_file_itself_may_not_be_a_link(folder, tmp_path):
    (folder / "scenario.yaml").rename(tmp_path / "elsewhere.yaml")
    (folder / "scenario.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert "scenario.yaml" in problems(folder)[0].expected


def test_attack_too_many_or_too_large_files_are_refused(folder, monkeypatch):
    monkeypatch.setattr("range.catalog.folder.FILE_LIMIT", 3)
    assert problems(folder)
    monkeypatch.undo()
    monkeypatch.setattr("range.catalog.folder.FILE_LIMIT_BYTES", 10)
    assert problems(folder)


def test_several_mistakes_are_told_at_once_in_the_order_of_lines(tmp_path):
    found = problems(write(tmp_path / "s", changed(difficulty=9, title="x", sector="moon")))
    assert len(found) == 3
    assert [each.line for each in found] == sorted(each.line for each in found)


def test_a_problem_reads_like_a_sentence(tmp_path):
    text = str(only_problem(tmp_path, sector="hospitel"))
    assert text.startswith("scenario.yaml:")
    assert "error: sector: expected one of hospital" in text
    assert text.endswith("found 'hospitel'. Did you mean hospital?")
