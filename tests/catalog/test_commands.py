import json

import pytest
from django.core.management import CommandError, call_command

from tests.catalog.support import changed, write


@pytest.fixture
def scenarios(tmp_path, settings):
    settings.RANGE_SCENARIOS_DIR = tmp_path / "scenarios"
    write(settings.RANGE_SCENARIOS_DIR / "small-desk")
    return settings.RANGE_SCENARIOS_DIR


def test_a_sound_scenario_passes_without_a_database(scenarios, capsys):
    call_command("check_scenarios")
    assert capsys.readouterr().out == "small-desk: 0 errors, 0 warnings\n"


def test_findings_are_printed_with_folder_file_and_line(scenarios, capsys):
    write(scenarios / "broken", changed(wrong={}))
    with pytest.raises(CommandError, match="Not valid: broken"):
        call_command("check_scenarios")
    out = capsys.readouterr().out
    assert "broken/scenario.yaml:1: error: expected a wrong solution" in out
    assert "broken: 1 errors" in out


def test_warnings_count_when_asked_to(scenarios):
    data = changed()
    data["objectives"][0]["skills"] = []
    write(scenarios / "small-desk", data)
    call_command("check_scenarios", "small-desk")
    with pytest.raises(CommandError):
        call_command("check_scenarios", "small-desk", "--strict")


def test_findings_are_told_to_programs(scenarios, capsys):
    (scenarios / "small-desk" / "scenario.yaml").write_text("schema: [")
    with pytest.raises(CommandError):
        call_command("check_scenarios", "--json")
    (problem,) = json.loads(capsys.readouterr().out)["small-desk"]
    assert problem["severity"] == "error"
    assert problem["file"] == "scenario.yaml"


def test_an_unknown_name_offers_the_nearest(scenarios):
    with pytest.raises(CommandError, match="Did you mean small-desk"):
        call_command("check_scenarios", "smal-desk")


def test_the_schema_is_written_to_a_file_or_printed(tmp_path, capsys):
    target = tmp_path / "schema.json"
    call_command("export_schema", "--to", str(target))
    call_command("export_schema")
    schema = json.loads(target.read_text())
    assert schema == json.loads(capsys.readouterr().out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert "machines" in schema["required"]


def test_pages_are_written(tmp_path):
    call_command("export_schema", "--pages", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"checks.md", "scenario-format.md"}


def test_every_scenario_of_the_library_is_sound():
    call_command("check_scenarios", "--strict")
