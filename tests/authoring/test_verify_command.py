import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from range.authoring.management.commands import verify_scenarios
from range.authoring.verify import Verifier
from range.catalog.models import ScenarioVersion
from range.catalog.publish import publish
from tests.authoring.support import ShellDriver, images
from tests.authoring.test_verify import solvable
from tests.catalog.support import write


@pytest.fixture
def scenarios(tmp_path, settings, monkeypatch):
    settings.RANGE_SCENARIOS_DIR = tmp_path / "scenarios"
    settings.RANGE_STATE_DIR = tmp_path / "state"
    write(settings.RANGE_SCENARIOS_DIR / "small-desk", solvable())
    monkeypatch.setattr(verify_scenarios, "get_driver", lambda *_args: ShellDriver())
    monkeypatch.setattr(
        verify_scenarios, "Verifier", lambda **options: Verifier(build=images, **options)
    )
    return settings.RANGE_SCENARIOS_DIR


@pytest.mark.django_db
def test_a_verified_version_gets_its_date(scenarios, capsys):
    version = publish(scenarios / "small-desk").version
    call_command("verify_scenarios", "small-desk")
    assert "small-desk: verified, 9 of 9" in capsys.readouterr().out
    assert ScenarioVersion.objects.get(pk=version.pk).verified_at is not None


@pytest.mark.django_db
def test_only_what_changed_is_verified_again(scenarios, capsys):
    call_command("verify_scenarios")
    capsys.readouterr()
    call_command("verify_scenarios", "--changed")
    assert capsys.readouterr().out == ""
    (scenarios / "small-desk" / "brief.md").write_text("# Other words\n")
    call_command("verify_scenarios", "--changed", "--json")
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_a_difference_ends_with_an_error_and_is_reported(scenarios, tmp_path, capsys):
    data = solvable()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "true"}]
    write(scenarios / "small-desk", data)
    report = tmp_path / "junit.xml"
    with pytest.raises(CommandError, match="Not verified: small-desk"):
        call_command("verify_scenarios", "--json", "--junit", str(report))
    value = json.loads(capsys.readouterr().out)
    assert value["passed"] is False
    assert b"<failure" in report.read_bytes()


def test_a_part_of_the_runs_proves_nothing(scenarios, settings):
    call_command("verify_scenarios", "--only", "fresh")
    assert not (settings.RANGE_STATE_DIR / "verified.json").exists()


@pytest.mark.django_db
def test_a_shell_that_marks_no_prompts_cannot_be_recorded(scenarios, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("range.authoring.recorded.READY_WITHIN", timedelta(seconds=0.1))
    with pytest.raises(CommandError, match="small-desk"):
        call_command("verify_scenarios", "--record", str(tmp_path / "kept"), "--only", "reference")
    assert "shows no prompt that can be recorded" in capsys.readouterr().out
    # What was shown before that is kept, to look at.
    assert list((tmp_path / "kept").rglob("*.cast"))
