import os
import stat
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from range.authoring.skeleton import KINDS, BadName, FolderTaken, new_scenario
from range.authoring.verification_report import as_text
from range.authoring.verify import Verifier
from range.catalog.editor_schema import EDITOR_LINE, SCHEMA_FILE, schema_text
from range.catalog.lint import lint
from range.catalog.reader import read_scenario
from range.runtime import options as driver_options
from range.runtime.registry import get_driver
from tests.scenarios.test_library import skills


@pytest.fixture(params=KINDS)
def begun(request, tmp_path):
    return new_scenario(tmp_path, "open-drawer", kind=request.param)


def test_a_new_scenario_has_neither_error_nor_warning(begun):
    assert [str(problem) for problem in lint(read_scenario(begun))] == []


def test_a_new_scenario_is_small_and_helps(begun):
    spec = read_scenario(begun).spec
    assert spec.id == begun.name
    assert spec.title == "Open drawer"
    assert len(spec.machines) == 1
    (objective,) = spec.objectives
    assert [hint.rung for hint in objective.hints] == [1, 2, 3, 4]
    assert {weight.key for weight in objective.skills} <= skills()
    assert spec.reference
    assert spec.wrong
    assert spec.verify


def test_nothing_of_the_skeletons_own_name_is_left(begun):
    for path in begun.rglob("*"):
        if path.is_file():
            assert "new-scenario" not in path.read_text().lower().replace(" ", "-"), path


def test_its_comments_teach(begun):
    text = (begun / "scenario.yaml").read_text()
    assert text.startswith(EDITOR_LINE)
    assert text.count("#") >= 15


def test_editors_find_the_schema_where_the_file_says(begun):
    line = (begun / "scenario.yaml").read_text().splitlines()[0]
    found = begun / line.partition("$schema=")[2]
    assert found.resolve() == (begun.parent / SCHEMA_FILE).resolve()
    assert found.read_text() == schema_text()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "Open",
        "a--",
        "-abc",
        "../etc",
        "a/b",
        "/tmp/x",
        "a" * 51,
        "öffnen",
        "a b c",
        "a.b",
    ],
)
def test_attack_names_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(BadName, match="cannot name a scenario"):
        new_scenario(tmp_path / "scenarios", name)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "open-drawer").mkdir()
    (tmp_path / "open-drawer" / "notes.txt").write_text("mine")
    with pytest.raises(FolderTaken, match="already is"):
        new_scenario(tmp_path, "open-drawer")
    assert [path.name for path in (tmp_path / "open-drawer").iterdir()] == ["notes.txt"]


def test_attack_a_link_in_its_place_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "scenarios"
    root.mkdir()
    (root / "open-drawer").symlink_to(outside)
    with pytest.raises(FolderTaken):
        new_scenario(root, "open-drawer")
    assert list(outside.iterdir()) == []


def test_the_command_lists_the_files_and_says_what_to_do_next(tmp_path, settings, capsys):
    settings.RANGE_SCENARIOS_DIR = tmp_path
    call_command("new_scenario", "open-drawer", "--from", "fix")
    out = capsys.readouterr().out
    assert "open-drawer/scenario.yaml" in out
    assert "try_scenario open-drawer" in out
    assert "verify_scenarios open-drawer" in out
    with pytest.raises(CommandError, match="already is"):
        call_command("new_scenario", "open-drawer")


def test_its_files_are_for_everybody_to_read(begun):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in begun.rglob("*") if path.is_file()}
    assert all(mode & 0o444 == 0o444 and not mode & 0o111 for mode in modes)


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_a_new_scenario_verifies_as_it_stands(begun):
    chosen = replace(driver_options.current(), installation=f"skeleton-test-{os.getpid()}")
    driver = get_driver("docker", chosen)
    found = Verifier(driver=driver).verify(begun)
    assert found.passed, as_text(found)
    assert {"fresh", "reference", "reference#2"} <= {run.name for run in found.runs}
    assert list(driver.running()) == []
