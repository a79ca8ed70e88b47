"""Runs the README's command in a fresh clone below a folder that only root may enter."""

import http.client
import json
import os
import signal
import stat
import time
import urllib.request
from pathlib import Path

import pytest

from range.lib.state import SYSTEM_USER
from tests.support.clone import Clone

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("whole-range"),
]

PORT = 17640


@pytest.fixture(scope="module")
def cloned(tmp_path_factory):
    """A clone below a folder that only its owner may enter."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    made = Clone(home / "muster")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def clone(cloned):
    return cloned.folder


def health():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=15) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as refused:
        with refused:
            return json.load(refused)


def told():
    """Return what the range says of its health, or None while it does not answer."""
    try:
        return health()
    except (OSError, http.client.HTTPException):
        return None


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer


def permissions(path):
    found = {}
    for each in [*path.parents, *path.resolve().parents]:
        status = each.stat()
        found[str(each)] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return found


def supervisor_of(clone):
    return int((clone / "var" / "supervisor.pid").read_text())


def owner(pid):
    return Path(f"/proc/{pid}").owner()


@pytest.fixture(scope="module")
def running(cloned, clone):
    before = permissions(clone)
    began = time.monotonic()
    done = cloned.up("--port", str(PORT), "--detach", "--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    print(f"\nfirst start, environment given: {time.monotonic() - began:.1f} s")
    return done, before


def test_it_ends_with_an_address_and_accounts_and_tells_the_time_of_each_step(clone, running):
    done, _ = running
    assert f"http://localhost:{PORT}/" in done.stdout
    for line in ("Start the database", "Bring the database up to date", "Start every role"):
        assert f"  {line}" in done.stdout
    accounts = json.loads((clone / "var" / "demo-accounts.json").read_text())
    assert {account["role"] for account in accounts} >= {"TRAINEE", "INSTRUCTOR", "ASSESSOR"}
    for account in accounts:
        assert account["password"] in done.stdout
        assert len(account["password"]) >= 12


def test_files_of_secrets_are_closed(clone, running):
    for name in ("demo-accounts.json", "runtime.env"):
        assert stat.S_IMODE((clone / "var" / name).stat().st_mode) == 0o600


def test_no_permission_of_a_folder_above_the_clone_has_changed(clone, running):
    _, before = running
    assert permissions(clone) == before
    assert stat.S_IMODE(clone.parent.stat().st_mode) == 0o700


def test_every_role_runs_and_says_so(clone, running):
    answer = health()
    assert answer["status"] == "ok"
    assert answer["roles"].keys() == {
        *("postgres", "web", "console", "view", "reconciler"),
        *("checker", "builder", "workshop", "worker", "model"),
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="rights can only be dropped by root")
def test_roles_without_need_for_the_engine_run_as_the_system_user(cloned, clone, running):
    owners = {text: owner(pid) for pid, text in cloned.roles().items()}
    plain = ("uvicorn", "run_worker", "run_model", "bin/postgres")
    for text, name in owners.items():
        expected = SYSTEM_USER if any(word in text for word in plain) else "root"
        assert name == expected, text


def test_a_role_that_is_killed_comes_back(cloned, clone, running):
    web = next(p for p, text in cloned.roles().items() if "uvicorn" in text)
    os.kill(web, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{web}").exists())
    until(lambda: (said := told()) and said["roles"]["web"]["restarts"] == 1)
    until(lambda: (said := told()) and said["status"] == "ok")


def test_a_database_that_is_killed_comes_back_and_every_role_with_it(cloned, clone, running):
    before = cloned.roles()
    database = next(pid for pid, text in before.items() if "bin/postgres" in text)
    os.kill(database, signal.SIGKILL)
    until(lambda: (said := told()) and said["roles"]["postgres"]["restarts"] >= 1)
    until(lambda: (said := told()) and said["status"] == "ok")
    now = cloned.roles()
    for word in ("run_reconciler", "run_checker", "run_worker", "run_builder", "uvicorn"):
        assert pid_of(before, word) == pid_of(now, word), f"{word} should have waited"


def pid_of(children, word):
    return next(pid for pid, text in children.items() if word in text)


def test_starting_it_again_only_tells_that_it_runs(cloned, clone, running):
    before = supervisor_of(clone)
    done = cloned.up("--port", str(PORT))
    assert done.returncode == 0, done.stderr
    assert "runs already" in done.stdout
    assert supervisor_of(clone) == before


def test_a_killed_supervisor_takes_every_role_with_it(cloned, clone, running):
    roles = cloned.roles()
    os.kill(supervisor_of(clone), signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in roles))


def test_the_next_start_takes_seconds_and_ctrl_c_ends_it(cloned, clone, running):
    began = time.monotonic()
    started, seen = cloned.begin("--port", str(PORT), "--offline")
    print(f"\nsecond start: {time.monotonic() - began:.1f} s")
    assert not any("Bring the database up to date" in line for line in seen), "".join(seen)
    roles = cloned.roles()
    os.killpg(started.pid, signal.SIGINT)
    said = started.stdout.read()
    started.wait(timeout=60)
    started.stdout.close()
    assert "sandboxes stay" in said
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in roles)
    with pytest.raises(OSError, match="refused"):
        health()


def test_stopping_what_does_not_run_says_so(cloned, running):
    assert "was not running" in cloned.up("--stop").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "http"], "--port needs a number"),
        (["--port", "70000"], "--port needs a number"),
        (["--prot", "8000"], "knows no --prot"),
        (["--port"], "Usage"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_happens(cloned, arguments, said):
    done = cloned.up(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
