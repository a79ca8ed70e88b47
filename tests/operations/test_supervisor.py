import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from range.lib.privileges import Confinement
from range.operations import status, supervisor
from range.operations.status import RoleState
from range.operations.supervisor import Role, Supervisor

SLEEP = ("sleep", "60")
CLONE = Path(__file__).resolve().parents[2]


@pytest.fixture
def watched(tmp_path):
    made = Supervisor(base=tmp_path, state_dir=tmp_path, environment=dict(os.environ))
    yield made
    made.stop()


def python(code):
    return (sys.executable, "-c", code)


def tick_until(watched, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        watched.tick()
        assert time.monotonic() < deadline, watched.statuses()
        time.sleep(0.02)


def pid(watched, name):
    return watched._children[name].process.pid


def state(watched, name):
    return next(each for each in watched.statuses() if each.name == name)


def test_a_role_runs_and_is_told(watched, tmp_path):
    watched.add(Role(name="web", argv=SLEEP))
    assert watched.alive("web")
    watched.tick()
    told = status.read(tmp_path)
    assert told.supervised
    assert [(each.name, each.state) for each in told.roles] == [("web", RoleState.RUNNING)]


def test_a_role_that_is_killed_comes_back(watched):
    watched.add(Role(name="web", argv=SLEEP))
    first = pid(watched, "web")
    os.kill(first, signal.SIGKILL)
    tick_until(watched, lambda: state(watched, "web").restarts == 1)
    tick_until(watched, lambda: watched.alive("web"))
    assert pid(watched, "web") != first


def test_while_it_is_away_the_status_says_so(watched, tmp_path):
    watched.add(Role(name="web", argv=("false",)))
    tick_until(watched, lambda: state(watched, "web").state is RoleState.RESTARTING)
    assert not status.read(tmp_path).roles[0].healthy


def test_a_role_that_keeps_dying_is_tried_less_and_less_often(watched, monkeypatch):
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_SECONDS", 0.04)
    watched.add(Role(name="web", argv=("false",)))
    child = watched._children["web"]
    child.pause_seconds = 0.01
    pauses = set()

    def died_often():
        pauses.add(child.pause_seconds)
        return child.restarts >= 4

    tick_until(watched, died_often)
    assert {0.02, 0.04} <= pauses
    assert max(pauses) == 0.04


def test_a_long_life_is_forgiven(watched, monkeypatch):
    monkeypatch.setattr(supervisor, "FORGIVEN_AFTER_SECONDS", 0.0)
    watched.add(Role(name="web", argv=("false",)))
    child = watched._children["web"]
    child.pause_seconds = 16
    tick_until(watched, lambda: child.restarts == 1)
    assert child.pause_seconds == supervisor.FIRST_PAUSE_SECONDS


def test_roles_stop_from_the_highest_stage_to_the_lowest(watched, tmp_path):
    note = (
        "import signal, time, pathlib\n"
        "def end(*_):\n"
        "    with open({file!r}, 'a') as f: f.write({name!r})\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "pathlib.Path({ready!r}).touch()\n"
        "time.sleep(60)"
    )
    file = tmp_path / "order"
    for name, stage in (("a", 0), ("b", 3), ("c", 1)):
        ready = tmp_path / f"ready-{name}"
        code = note.format(file=str(file), name=name, ready=str(ready))
        watched.add(Role(name=name, argv=python(code), stage=stage))
        tick_until(watched, ready.exists)
    watched.stop()
    assert file.read_text() == "bca"
    assert {each.state for each in watched.statuses()} == {RoleState.STOPPED}


def test_a_role_that_will_not_end_is_killed_with_what_it_started(watched, tmp_path):
    started = tmp_path / "child"
    stubborn = (
        "import signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(started)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    watched.add(Role(name="web", argv=python(stubborn), patience_seconds=0.3))
    tick_until(watched, lambda: started.exists() and started.read_text())
    role, below = pid(watched, "web"), int(started.read_text())
    watched.stop()
    assert not Path(f"/proc/{role}").exists()
    tick_gone(below)


def tick_gone(number):
    deadline = time.monotonic() + 60
    while Path(f"/proc/{number}/stat").exists():
        if Path(f"/proc/{number}/stat").read_text().split(")")[1].split()[0] == "Z":
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_stop_signal_of_its_own_is_used(watched, tmp_path):
    ready, got = tmp_path / "ready", tmp_path / "got"
    code = (
        "import signal, time, pathlib\n"
        "def end(number, _):\n"
        f"    pathlib.Path({str(got)!r}).write_text(str(number))\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGINT, end)\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(60)"
    )
    watched.add(Role(name="db", argv=python(code), stop_signal=signal.SIGINT))
    tick_until(watched, ready.exists)
    watched.stop()
    assert got.read_text() == str(int(signal.SIGINT))


def test_what_a_role_says_goes_into_its_own_log(watched, tmp_path):
    watched.add(Role(name="web", argv=("sh", "-c", "echo out; echo err >&2; sleep 60")))
    log = tmp_path / "var" / "log" / "web.log"
    tick_until(watched, lambda: log.read_text() == "out\nerr\n")


def test_a_large_log_is_set_aside_once(watched, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "LOG_LIMIT_BYTES", 3)
    log = tmp_path / "var" / "log" / "web.log"
    log.parent.mkdir(parents=True)
    log.write_text("old words\n")
    watched.add(Role(name="web", argv=("sh", "-c", "echo new; sleep 60")))
    tick_until(watched, lambda: log.exists() and log.read_text() == "new\n")
    assert log.with_suffix(".log.1").read_text() == "old words\n"


def test_roles_get_the_environment_they_are_given_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_STARTER", "x")
    made = Supervisor(base=tmp_path, state_dir=tmp_path, environment={"PATH": os.environ["PATH"]})
    made.add(Role(name="web", argv=("sh", "-c", "env; sleep 60")))
    log = tmp_path / "var" / "log" / "web.log"
    tick_until(made, lambda: "PATH=" in log.read_text())
    made.stop()
    assert "SECRET_OF_THE_STARTER" not in log.read_text()


@pytest.mark.timeout(60)
def test_watching_ends_on_request_and_sees_a_death_at_once(watched, monkeypatch):
    # Nothing but a death and a request can wake it.
    monkeypatch.setattr(supervisor, "BEAT_SECONDS", 600.0)
    watched.add(Role(name="web", argv=SLEEP))
    first = pid(watched, "web")

    def happen():
        os.kill(first, signal.SIGKILL)
        while state(watched, "web").restarts == 0 or not watched.alive("web"):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGUSR1)

    threading.Timer(0.2, happen).start()
    before = signal.signal(signal.SIGUSR1, watched.request_stop)
    watched.run()
    signal.signal(signal.SIGUSR1, before)
    assert state(watched, "web").restarts == 1
    assert watched.alive("web")


def test_the_status_is_replaced_as_a_whole(tmp_path):
    status.write(tmp_path, [])
    content = json.loads(status.path(tmp_path).read_text())
    assert content["roles"] == []
    assert list(tmp_path.iterdir()) == [status.path(tmp_path)]


def test_a_role_that_tells_is_starting_until_it_does(watched, tmp_path):
    go = tmp_path / "go"
    code = (
        "import pathlib, sys, time\n"
        f"sys.path.insert(0, {str(CLONE)!r})\n"
        "from range.lib.roles import end_on_signal\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)\n"
        "end_on_signal().wait()"
    )
    argv = tuple(Confinement().wrap(python(code)))
    watched.environment = {**os.environ, "PYTHONPATH": str(CLONE)}
    watched.add(Role(name="checker", argv=argv, tells_ready=True))
    for _ in range(10):
        watched.tick()
        time.sleep(0.02)
    assert state(watched, "checker").state is RoleState.STARTING
    assert not state(watched, "checker").healthy
    go.touch()
    tick_until(watched, lambda: state(watched, "checker").state is RoleState.RUNNING)


def test_a_role_that_dies_before_it_tells_is_never_called_running(watched):
    watched.add(Role(name="checker", argv=("false",), tells_ready=True))
    seen = set()

    def ended():
        seen.add(state(watched, "checker").state)
        return state(watched, "checker").restarts >= 2

    tick_until(watched, ended)
    assert RoleState.RUNNING not in seen


def test_a_role_that_is_asked_is_starting_until_it_answers(watched):
    answers = []
    watched.add(Role(name="web", argv=SLEEP, ready=lambda: bool(answers)))
    watched.tick()
    assert state(watched, "web").state is RoleState.STARTING
    answers.append(True)
    watched.tick()
    assert state(watched, "web").state is RoleState.RUNNING
