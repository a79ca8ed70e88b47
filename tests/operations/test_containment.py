"""`doctor --probe` says what every probe came to, and ends with 1 while anything is open."""

import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command

from range.operations import containment
from range.operations.finding import Level
from range.operations.probes import engine
from range.runtime.containment import network
from range.runtime.containment.run import alone, run
from range.runtime.containment.verdict import Outcome, Verdict, unproven
from range.sandboxes import probe_record
from tests.support.contained import ContainedDriver, FakeHost

CLOSED = Verdict(probe="egress-tcp", outcome=Outcome.CLOSED, detail="timed out", critical=True)
STOPPED = Verdict(probe="mount", outcome=Outcome.STOPPED, detail="EPERM")
BOUNDED = Verdict(probe="fork-bomb", outcome=Outcome.BOUNDED, detail="60 of 64")
WORKS = Verdict(probe="control-kernel", outcome=Outcome.OK, detail="works")
OPEN = Verdict(probe="metadata", outcome=Outcome.OPEN, detail="left by eth0", critical=True)
VAIN = unproven("dns-query", "only root may watch")


@pytest.fixture
def machines(monkeypatch, settings, state_dir):
    """Probe machines in memory instead of containers."""
    settings.RANGE_DRIVER = "docker"
    monkeypatch.setattr(network, "_SETTLE_SECONDS", 0)
    monkeypatch.setattr(network, "_PATIENCE_SECONDS", 0)

    def make(**driver):
        host = FakeHost()
        made = ContainedDriver(host, **driver)
        monkeypatch.setattr(containment, "probing_driver", lambda name: made)
        monkeypatch.setattr(
            containment,
            "run",
            lambda driver, *, everything: run(driver, host=host, everything=everything),
        )
        return made

    return make


def doctor(capsys, *options):
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--probe", *options)
    return ended.value.code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([CLOSED, STOPPED, BOUNDED, WORKS], 0),
        ([CLOSED, OPEN], 1),
        ([CLOSED, VAIN], 1),
    ],
)
def test_anything_open_makes_the_exit_code_one(verdicts, code):
    assert containment.exit_code(verdicts) == code


def test_the_table_shows_what_is_open_last_and_sums_up():
    lines = containment.table([OPEN, CLOSED, WORKS, VAIN, STOPPED]).splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["closed", "stopped", "ok", "open", "open"]
    assert "5 probes, 2 open, 1 of them only because nothing could be proven" in lines[-1]
    assert "No sandbox of a trainee starts" in lines[-1]


def test_the_table_of_a_contained_range_is_short_about_it():
    assert containment.table([CLOSED, WORKS]).splitlines()[-1] == "2 probes, none open."


def test_what_is_open_without_being_critical_does_not_claim_to_stop_launches():
    assert "starts" not in containment.table([CLOSED, VAIN])


def test_programs_are_answered_in_json(machines, capsys):
    machines()
    code, out = doctor(capsys, "--json")
    answer = json.loads(out)
    assert code == 0
    outcomes = {each["probe"]: each["outcome"] for each in answer}
    assert set(outcomes.values()) == {"closed", "stopped", "bounded", "ok"}
    assert outcomes["host-by-gateway-tcp"] == "closed"
    assert outcomes["io-uring"] == "stopped"
    assert all(each["detail"] for each in answer)


def test_a_hole_ends_with_one_and_stops_launches(machines, capsys, state_dir):
    machines(holes=["egress-tcp"])
    code, out = doctor(capsys)
    assert code == 1
    assert "open     egress-tcp" in out
    assert probe_record.newest(state_dir).breaches == ["egress-tcp"]
    assert engine.containment(probe_record.newest(state_dir)).level is Level.PROBLEM


def test_a_clean_run_is_kept_for_launches_and_for_the_doctor(machines, capsys, state_dir):
    assert engine.containment(probe_record.newest(state_dir)).level is Level.WARNING
    machines()
    doctor(capsys)
    assert probe_record.newest(state_dir).cause == "doctor"
    assert engine.containment(probe_record.newest(state_dir)).level is Level.OK


def test_a_sandbox_that_does_not_start_reads_open_and_keeps_nothing(machines, capsys, state_dir):
    machines().fail_next("start", "image-missing")
    code, out = doctor(capsys, "--json")
    (only,) = json.loads(out)
    assert (code, only["probe"], only["outcome"]) == (1, "control-sandbox", "open")
    assert only["detail"].startswith("not proven")
    assert probe_record.newest(state_dir) is None


def test_a_range_without_containers_proves_nothing(settings, state_dir, capsys):
    settings.RANGE_DRIVER = "fake"
    code, out = doctor(capsys)
    assert code == 1
    assert "no containers" in out


def test_a_run_that_another_process_holds_up_says_so(machines, capsys, state_dir, monkeypatch):
    machines()
    monkeypatch.setattr(containment, "_LOCK_WITHIN", containment.timedelta(0))
    with alone(state_dir, within=containment.timedelta(0)):
        code, out = doctor(capsys)
    assert code == 1
    assert "run already" in out


def test_a_state_folder_that_cannot_be_written_is_told(machines, capsys, settings, tmp_path):
    machines()
    (tmp_path / "file").write_text("")
    settings.RANGE_STATE_DIR = tmp_path / "file" / "state"
    code, out = doctor(capsys)
    assert code == 1
    assert "control-sandbox" in out


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="watching the host's cards needs root")
def test_the_command_contains_this_machines_sandboxes(state_dir, monkeypatch, capsys):
    from range.runtime.options import DriverOptions

    options = DriverOptions(installation=f"doctor-{os.getpid()}")
    monkeypatch.setattr("range.runtime.options._current", options)
    code, out = doctor(capsys, "--json")
    answer = json.loads(out)
    assert [each for each in answer if each["outcome"] == "open"] == []
    assert code == 0
    assert Path(probe_record.path(state_dir)).exists()
