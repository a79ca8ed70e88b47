import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from range.lib.state import SYSTEM_USER
from range.operations import fleet as module
from range.operations.fleet import URGENTLY, Fleet, environment, local_address, port_answers

CLONE = Path(__file__).resolve().parents[2]
ENGINE = {"console", "view", "reconciler", "checker", "builder", "workshop"}
PLAIN = {"web", "worker", "model", "postgres"}
SOCKET = Path("/run/docker.sock")
CGROUPS = ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")

KNOCK = (
    "import os, socket\n"
    "with socket.socket(socket.AF_UNIX) as s:\n"
    "    try:\n"
    "        s.connect(os.environ['SOCKET'])\n"
    "        print('opened', os.geteuid())\n"
    "    except OSError as error:\n"
    "        print(type(error).__name__, os.geteuid())\n"
)


@pytest.fixture
def fleet(tmp_path):
    return Fleet(base=CLONE, state_dir=tmp_path, host="127.0.0.1", port=8000)


def by_name(fleet):
    return {role.name: role for role in [fleet.postgres(), *fleet.roles()]}


def test_every_role_of_the_design_is_there(fleet):
    assert by_name(fleet).keys() == ENGINE | PLAIN


def test_nothing_is_fetched_offline(fleet, tmp_path):
    assert "--no-fetch" not in by_name(fleet)["model"].argv
    fleet = Fleet(base=CLONE, state_dir=tmp_path, host="127.0.0.1", port=8000, offline=True)
    assert "--no-fetch" in by_name(fleet)["model"].argv


@pytest.mark.skipif(os.geteuid() != 0, reason="rights can only be dropped by root")
def test_exactly_the_roles_without_need_for_the_engine_drop_their_rights(fleet):
    dropped = {name for name, role in by_name(fleet).items() if "--user" in role.argv}
    assert dropped == PLAIN
    for name in PLAIN:
        argv = by_name(fleet)[name].argv
        assert argv[argv.index("--user") + 1] == SYSTEM_USER


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="rights can only be dropped by root")
def test_the_web_role_cannot_open_the_engines_socket_and_an_engine_role_can(fleet, monkeypatch):
    """The roles' own launchers, with a program that tries the door in the server's place."""
    answers = {}
    for name in ("web", "worker", "reconciler"):
        argv = by_name(fleet)[name].argv
        launcher = argv[: argv.index("--")]
        done = subprocess.run(
            [*launcher, "--", sys.executable, "-c", KNOCK],
            cwd=CLONE,
            env={**environment({}), "SOCKET": str(SOCKET)},
            capture_output=True,
            text=True,
            check=False,
        )
        answers[name] = done.stdout.split()
    muster = str(pwd.getpwnam(SYSTEM_USER).pw_uid)
    assert answers["reconciler"] == ["opened", "0"]
    # Refused by its permissions, or covered where the role has mounts of its own.
    for name in ("web", "worker"):
        error, user = answers[name]
        assert error in ("PermissionError", "ConnectionRefusedError")
        assert user == muster


def test_requests_stop_first_and_the_database_last(fleet):
    stages = {name: role.stage for name, role in by_name(fleet).items()}
    assert stages["web"] == stages["console"] == stages["view"] == max(stages.values())
    assert [name for name, stage in stages.items() if stage == 0] == ["postgres"]
    assert stages["reconciler"] < stages["checker"]


def test_the_database_is_asked_to_end_without_waiting_for_clients(fleet):
    assert by_name(fleet)["postgres"].stop_signal == signal.SIGINT


def test_loops_tell_by_themselves_when_they_work(fleet):
    telling = {name for name, role in by_name(fleet).items() if role.tells_ready}
    assert telling == {"reconciler", "checker", "builder", "workshop", "worker"}


def test_servers_are_ready_once_their_port_answers(fleet, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "port_answers", lambda host, port: asked.append((host, port)))
    roles = by_name(fleet)
    roles["web"].ready()
    roles["console"].ready()
    roles["view"].ready()
    assert asked == [("127.0.0.1", port) for port in (8000, 8001, 8003)]


def test_a_port_nobody_listens_on_does_not_answer(loopback):
    assert port_answers("127.0.0.1", 1) is False


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.7", "192.0.2.7"), ("::1", "::1")],
)
def test_a_wildcard_is_reached_on_loopback(host, address):
    assert local_address(host) == address


def test_roles_inherit_settings_but_not_the_starters_secrets(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("SSH_AUTH_SOCK", "x")
    monkeypatch.setenv("RANGE_SWEEP_SECONDS", "1")
    handed = environment({"RANGE_WEB_PORT": "8000"})
    assert handed["RANGE_SWEEP_SECONDS"] == "1"
    assert handed["RANGE_WEB_PORT"] == "8000"
    assert handed["RANGE_RUNTIME_ENV"] == ""
    assert not {"AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK"} & handed.keys()


def test_the_environment_wins_over_what_was_generated(monkeypatch):
    monkeypatch.setenv("RANGE_WEB_PORT", "9000")
    assert environment({"RANGE_WEB_PORT": "8000"})["RANGE_WEB_PORT"] == "9000"


def test_what_somebody_waits_for_comes_first_where_root_may_say_so(fleet, monkeypatch):
    def first():
        roles = [fleet.postgres(), *fleet.roles()]
        return {role.name for role in roles if str(URGENTLY) in role.argv}

    monkeypatch.setattr("range.operations.fleet.os.geteuid", lambda: 0)
    assert first() == {"postgres", "web", "console"}
    monkeypatch.setattr("range.operations.fleet.os.geteuid", lambda: 1000)
    assert first() == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may lower niceness")
def test_a_role_that_comes_first_keeps_its_process_and_all_it_begins_in_one_group():
    ask = "echo $$; nice; setsid cat /proc/self/cgroup"
    with subprocess.Popen(
        ["/bin/sh", str(URGENTLY), "-10", "/bin/sh", "-c", ask],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as role:
        pid, niceness, *groups = role.communicate()[0].splitlines()
    assert int(pid) == role.pid
    assert niceness == "-10"
    # Where no group can be made, what it begins is at least of its session.
    if any(Path(folder, "muster-urgent").exists() for folder in CGROUPS):
        assert any(group.endswith("/muster-urgent") for group in groups)
