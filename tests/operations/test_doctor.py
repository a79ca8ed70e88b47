import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from range.lib import clock
from range.operations import doctor, status
from range.operations.finding import Level, ok, problem, warning
from range.operations.probes import configuration, data, engine, machine
from range.operations.status import RoleState, RoleStatus
from range.runtime.driver import EngineDown

SITE = ["https://range.example"]
CLONE = Path(__file__).resolve().parents[2]


def levels(findings):
    return {finding.name: finding.level for finding in findings}


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (machine.interpreter((3, 11)), Level.PROBLEM),
        (machine.interpreter((3, 12)), Level.OK),
        (machine.disk(1_000_000_000), Level.PROBLEM),
        (machine.disk(5_000_000_000), Level.WARNING),
        (machine.disk(50_000_000_000), Level.OK),
        (machine.memory(None), Level.WARNING),
        (machine.memory(500), Level.PROBLEM),
        (machine.memory(2000), Level.WARNING),
        (machine.memory(20000), Level.OK),
        (data.server(150009), Level.PROBLEM),
        (data.server(180004), Level.OK),
        (data.extension(None), Level.PROBLEM),
        (data.extension("0.8.5"), Level.OK),
        (engine.version("19.03.1"), Level.PROBLEM),
        (engine.version("20.10.24+dfsg1"), Level.OK),
        (engine.version("29.1.0"), Level.OK),
        (engine.version(""), Level.PROBLEM),
        (engine.storage({"Driver": "overlay2", "PidsLimit": False}), Level.PROBLEM),
        (engine.storage({"Driver": "overlay2", "PidsLimit": True}), Level.OK),
        (engine.restarts({"LiveRestoreEnabled": True}), Level.OK),
        (engine.restarts({"LiveRestoreEnabled": False}), Level.WARNING),
        (engine.user_namespaces({"SecurityOptions": ["name=userns"]}), Level.OK),
        (engine.user_namespaces({"SecurityOptions": None}), Level.WARNING),
        (*engine.stronger_runtime({"Runtimes": {"runc": {}}}, "runsc"), Level.PROBLEM),
        (*engine.stronger_runtime({"Runtimes": {"runsc": {}}}, "runsc"), Level.OK),
        (configuration.debug(on=True), Level.PROBLEM),
        (configuration.debug(on=False), Level.OK),
        (configuration.secret("X", "insecure-development-key" * 3), Level.PROBLEM),
        (configuration.secret("X", "short"), Level.PROBLEM),
        (configuration.secret("X", "k" * 40), Level.OK),
        (configuration.addresses(["*"], https=True), Level.WARNING),
        (configuration.addresses(["range.example"], https=False), Level.WARNING),
        (configuration.addresses(["range.example"], https=True), Level.OK),
        (configuration.addresses(["localhost"], https=False), Level.OK),
        (configuration.web_views("", origins=[], https=False), Level.OK),
        (configuration.web_views("view.localhost", origins=[], https=False), Level.OK),
        (configuration.web_views("v.example.net", origins=[], https=True), Level.WARNING),
        (configuration.web_views("v.example.net", origins=SITE, https=False), Level.WARNING),
        (configuration.web_views("v.range.example", origins=SITE, https=True), Level.WARNING),
        (configuration.web_views("v.example.net", origins=SITE, https=True), Level.OK),
    ],
)
def test_each_thing_is_judged(finding, level):
    assert finding.level is level
    assert finding.says
    assert (finding.level is Level.OK) == (not finding.advice)


def test_a_weak_secret_is_never_shown():
    assert "hunter2" not in str(configuration.secret("X", "hunter2"))


def test_roles_that_do_not_run_are_named():
    at = clock.now()
    roles = (
        RoleStatus(name="web", state=RoleState.RUNNING, since=""),
        RoleStatus(name="checker", state=RoleState.RESTARTING, since="", restarts=4),
    )
    finding = machine.roles(status.Status(at=at, roles=roles))
    assert finding.level is Level.PROBLEM
    assert "checker" in finding.says
    assert "web" not in finding.says


def test_without_a_supervisor_it_says_how_to_start(tmp_path):
    finding = machine.roles(status.read(tmp_path))
    assert finding.level is Level.WARNING
    assert "bin/up" in finding.advice


@pytest.mark.parametrize(("mode", "level"), [(0o600, Level.OK), (0o640, Level.PROBLEM)])
def test_a_file_of_secrets_must_be_closed(tmp_path, mode, level):
    file = tmp_path / "runtime.env"
    file.write_text("x")
    file.chmod(mode)
    assert configuration.kept_secret(file).level is level


def test_weights_are_told_with_their_size(tmp_path):
    assert configuration.weights(tmp_path / "none").level is Level.WARNING
    (tmp_path / "model.gguf").write_bytes(b"x")
    finding = configuration.weights(tmp_path)
    assert finding.level is Level.OK
    assert "model.gguf" in finding.says


@pytest.mark.parametrize(
    ("mode", "owner", "group", "open_to"),
    [(0o660, 0, 998, False), (0o660, 0, 500, True), (0o666, 0, 998, True), (0o660, 500, 998, True)],
)
def test_whether_a_user_may_open_a_socket_follows_the_kernels_rules(mode, owner, group, open_to):
    socket = SimpleNamespace(st_mode=stat.S_IFSOCK | mode, st_uid=owner, st_gid=group)
    assert engine.may_open(socket, 500, [500, 501]) is open_to


def test_an_engine_that_is_away_is_a_problem_with_a_way_out(monkeypatch):
    class Away:
        def client(self):
            raise EngineDown("no connection")

    monkeypatch.setattr(engine, "Engine", Away)
    found = next(iter(engine.look()))
    assert found.level is Level.PROBLEM
    assert "bin/up" in found.advice


@pytest.mark.django_db
def test_a_database_with_everything_is_well():
    assert set(levels(data.look()).values()) == {Level.OK}


@pytest.mark.django_db
def test_a_missing_migration_is_a_problem(monkeypatch):
    monkeypatch.setattr(data.MigrationExecutor, "migration_plan", lambda *_: [("a", False)])
    assert data.migrations().level is Level.PROBLEM


def test_a_problem_makes_the_exit_code_one():
    well, unwell = ok("A", "fine"), problem("B", "broken", "mend it")
    assert doctor.exit_code([well, warning("C", "meh", "look")]) == 0
    assert doctor.exit_code([well, unwell]) == 1


def test_the_table_puts_the_worst_last():
    findings = [problem("B", "broken", "mend it"), ok("A", "fine"), warning("C", "meh", "look")]
    lines = doctor.table(findings).splitlines()
    assert [line.split()[0] for line in lines] == ["OK", "WARNING", "->", "PROBLEM", "->"]


@pytest.mark.django_db
def test_the_command_answers_in_json_and_by_its_exit_code(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda _: [problem("B", "broken", "mend it")])
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert answer["healthy"] is False
    assert answer["findings"][0]["advice"] == "mend it"


@pytest.mark.docker
def test_it_looks_at_this_machines_engine():
    found = levels(engine.look())
    assert found["Engine"] is Level.OK
    assert found["Limits"] is Level.OK


@pytest.mark.slow
def test_the_command_runs_without_a_database(tmp_path):
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@/none?host=/nonexistent",
        "RANGE_STATE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=CLONE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "PROBLEM  Database" in done.stdout
