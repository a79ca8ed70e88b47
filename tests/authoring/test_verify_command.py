import json
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from range.authoring.management.commands import verify_scenarios
from range.authoring.verify import Verifier
from range.catalog.models import ScenarioVersion
from range.catalog.publish import publish
from range.runtime.driver import MachineUsage
from range.sandboxes import disks
from tests.authoring.support import ShellDriver, images
from tests.authoring.test_verify import solvable
from tests.catalog.support import write
from tests.catalog.test_allowed_images import DOCKERFILE, made, offered
from tests.support.waiting import until


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
    assert re.fullmatch(
        r"small-desk: unchanged since it was verified on \d{4}-\d\d-\d\d\n",
        capsys.readouterr().out,
    )
    (scenarios / "small-desk" / "brief.md").write_text("# Other words\n")
    call_command("verify_scenarios", "--changed", "--json")
    assert json.loads(capsys.readouterr().out)["passed"] is True


@pytest.mark.django_db
def test_a_scenario_of_a_named_image_is_known_until_the_image_changes(scenarios, tmp_path, capsys):
    offered(made(tmp_path / "web-server"))
    data = solvable()
    del data["machines"]["box"]["build"]
    data["machines"]["box"]["image"] = "web-server"
    write(scenarios / "small-desk", data)
    call_command("verify_scenarios")
    call_command("verify_scenarios", "--changed")
    assert "small-desk: unchanged since" in capsys.readouterr().out
    offered(made(tmp_path / "web-server", dockerfile=DOCKERFILE.replace("php-fpm", "php")))
    call_command("verify_scenarios", "--changed")
    assert "small-desk: verified" in capsys.readouterr().out


def test_a_difference_ends_with_an_error_and_is_reported(scenarios, tmp_path, capsys):
    data = solvable()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "true"}]
    write(scenarios / "small-desk", data)
    report = tmp_path / "junit.xml"
    with pytest.raises(CommandError, match="Not verified: small-desk"):
        call_command("verify_scenarios", "--json", "--junit", str(report))
    value = json.loads(capsys.readouterr().out)
    assert value["passed"] is False
    assert value["verified_at"] is None
    (suite,) = ElementTree.fromstring(report.read_bytes())
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert int(suite.get("failures")) == len(failed) > 0
    assert int(suite.get("tests")) == len(suite) == len(value["runs"])
    assert failed == [run["name"] for run in value["runs"] if not run["as_expected"]]


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


@pytest.mark.django_db
def test_programs_get_an_object_a_scenario_with_what_was_expected_and_found(scenarios, capsys):
    write(scenarios / "other-desk", solvable() | {"id": "other-desk"})
    call_command("verify_scenarios", "--json", "--parallel", "3")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["id"] for each in told] == ["other-desk", "small-desk"]
    for each in told:
        assert len(each["digest"]) == 64
        assert each["verified_at"]
        assert each["seconds"] >= 0
        for run in each["runs"]:
            assert {"name", "expected", "found", "seconds", "as_expected"} <= run.keys()
            assert run["found"].keys() >= run["expected"].keys()


@pytest.mark.django_db
def test_the_date_goes_with_the_content(scenarios, capsys):
    call_command("verify_scenarios", "--json")
    first = json.loads(capsys.readouterr().out)["verified_at"]
    (scenarios / "small-desk" / "brief.md").write_text("# Other words\n")
    call_command("verify_scenarios", "--json", "--only", "fresh")
    assert json.loads(capsys.readouterr().out)["verified_at"] is None
    assert first


@pytest.mark.django_db
def test_a_folder_that_cannot_be_read_does_not_keep_others_from_being_verified(scenarios, capsys):
    write(scenarios / "broken-desk", solvable() | {"id": "broken-desk"})
    (scenarios / "broken-desk" / "link").symlink_to("brief.md")
    with pytest.raises(CommandError, match=r"Not verified: broken-desk\."):
        call_command("verify_scenarios", "--changed", "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["id"], each["passed"]) for each in told] == [
        ("broken-desk", False),
        ("small-desk", True),
    ]
    assert "a link or a device" in told[0]["error"]


@pytest.mark.django_db
def test_what_is_noted_goes_with_the_scenarios_and_dates_publications_elsewhere(
    scenarios, settings, tmp_path
):
    call_command("verify_scenarios", "--json")
    assert not (scenarios / "verified.json").exists()
    call_command("verify_scenarios", "--json", "--note")
    noted = json.loads((scenarios / "verified.json").read_text())
    assert set(noted) == {"small-desk"}
    assert set(noted["small-desk"]) == {"digest", "grader", "at"}
    # Another range has the folder, and nothing of what happened here.
    settings.RANGE_STATE_DIR = tmp_path / "elsewhere"
    call_command("publish_scenarios")
    version = ScenarioVersion.objects.get()
    assert version.digest == noted["small-desk"]["digest"]
    assert version.verified_at.isoformat() == noted["small-desk"]["at"]


@pytest.mark.django_db
@pytest.mark.parametrize("lie", ["another content", "other checks"])
def test_a_record_of_something_else_dates_nothing(scenarios, settings, tmp_path, lie):
    call_command("verify_scenarios", "--json", "--note")
    path = scenarios / "verified.json"
    noted = json.loads(path.read_text())
    noted["small-desk"]["digest" if lie == "another content" else "grader"] = "0" * 64
    path.write_text(json.dumps(noted))
    settings.RANGE_STATE_DIR = tmp_path / "elsewhere"
    call_command("publish_scenarios")
    assert ScenarioVersion.objects.get().verified_at is None


def test_a_part_of_the_runs_is_not_noted(scenarios):
    call_command("verify_scenarios", "--only", "fresh", "--note")
    assert not (scenarios / "verified.json").exists()


class Filling(ShellDriver):
    """Every box has filled its disk by the time it is up, and is solved once that is seen."""

    def start(self, *args, **options):
        handle = super().start(*args, **options)
        box = self.machine(handle, "box")
        box.usage = MachineUsage(disk_bytes=600 << 20)
        until(lambda: box.exited, "nobody looks at its disk")
        return handle


def test_a_machine_that_fills_its_disk_is_stopped_and_told_of(scenarios, monkeypatch, capsys):
    monkeypatch.setattr(disks, "EVERY", timedelta())
    monkeypatch.setattr(verify_scenarios, "get_driver", lambda *_args: Filling())
    with pytest.raises(CommandError, match="Not verified: small-desk"):
        call_command("verify_scenarios", "--only", "fresh")
    told = "box was stopped: its disk is full. It wrote 600 MB, and its disk_mb allows 512."
    assert told in capsys.readouterr().err
