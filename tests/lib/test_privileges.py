import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from range.lib.privileges import (
    Confinement,
    PrivilegeError,
    closed_folders,
    drop_to,
    ensure_system_user,
    interpreter_folders,
)
from range.lib.state import SYSTEM_USER

CLONE = Path(__file__).resolve().parents[2]
ENGINE_SOCKET = Path("/run/docker.sock")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="starts programs as another user")
pytestmark = needs_root

LOOK = """
import json, os, socket
def opened(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
        return True
    except OSError as error:
        return type(error).__name__
def listed(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return type(error).__name__
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print(json.dumps({
    "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(),
    "no_new_privs": status["NoNewPrivs"].strip(), "capabilities": status["CapEff"].strip(),
    "engine": opened(os.environ["ENGINE_SOCKET"]), "above": listed(os.environ["ABOVE"]),
    "inside": listed(os.environ["INSIDE"]), "cwd": os.getcwd(),
}))
"""


@pytest.fixture(scope="module", autouse=True)
def _system_user():
    ensure_system_user(SYSTEM_USER)


@pytest.fixture
def closed(tmp_path):
    """A folder that only root enters, with a clone-like folder and a neighbour's secret in it."""
    above = tmp_path / "home"
    (above / "clone" / "code").mkdir(parents=True)
    (above / "clone" / "code" / "module.py").write_text("x = 1\n")
    (above / "secret").write_text("not for the web role")
    above.chmod(0o700)
    return above


def launch(confinement, argv, *, cwd=CLONE, **environment):
    return subprocess.run(
        confinement.wrap(argv),
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CLONE), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def look(above, *, inside, engine=ENGINE_SOCKET, **extra):
    confinement = Confinement(
        user=SYSTEM_USER,
        readable=(CLONE, inside, *interpreter_folders()),
        **extra,
    )
    done = launch(
        confinement,
        [sys.executable, "-c", LOOK],
        ENGINE_SOCKET=str(engine),
        ABOVE=str(above),
        INSIDE=str(inside),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def permissions(*paths):
    found = {}
    for path in paths:
        for each in [path.resolve(), *path.resolve().parents]:
            status = each.stat()
            found[str(each)] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return found


def test_nothing_of_root_is_left(closed):
    seen = look(closed, inside=closed / "clone")
    account = pwd.getpwnam(SYSTEM_USER)
    assert seen["uids"] == [account.pw_uid] * 3
    assert seen["gids"] == [account.pw_gid] * 3
    assert seen["groups"] == []
    assert seen["no_new_privs"] == "1"
    assert int(seen["capabilities"], 16) == 0


def test_the_clone_is_reachable_below_a_closed_folder_but_its_neighbours_are_not(closed):
    seen = look(closed, inside=closed / "clone")
    assert seen["inside"] == ["code"]
    assert seen["above"] == ["clone"]


def test_a_clone_that_is_itself_closed_is_reachable(closed):
    (closed / "clone").chmod(0o700)
    assert look(closed, inside=closed / "clone")["inside"] == ["code"]


def test_no_permission_above_the_clone_or_the_interpreter_changes(closed):
    watched = (closed / "clone", CLONE, Path(sys.executable), Path(sys.base_prefix))
    before = permissions(*watched)
    look(closed, inside=closed / "clone")
    assert permissions(*watched) == before


def mounts():
    """What is mounted where, but for the engine's containers, which come and go meanwhile."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return {line for line in lines if not re.search("/docker|/containerd|/netns", line)}


def test_the_mounts_are_nobody_elses(closed):
    before = mounts()
    look(closed, inside=closed / "clone")
    assert mounts() == before
    assert (closed / "secret").read_text() == "not for the web role"


def test_the_engines_socket_cannot_be_opened(closed):
    if not ENGINE_SOCKET.exists():
        pytest.skip("no engine on this machine")
    assert look(closed, inside=closed / "clone")["engine"] == "PermissionError"


def test_a_hidden_socket_cannot_be_opened_even_where_everybody_may(closed):
    path = Path("/tmp") / f"engine-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0o666)
        assert look(closed, inside=closed / "clone", engine=path)["engine"] is True
        seen = look(closed, inside=closed / "clone", engine=path, hidden=(path,))
    path.unlink()
    assert seen["engine"] in ("ConnectionRefusedError", "PermissionError")


def test_the_working_folder_is_kept(closed):
    clone = closed / "clone"
    confinement = Confinement(user=SYSTEM_USER, readable=(clone, CLONE, *interpreter_folders()))
    done = launch(
        confinement, [sys.executable, "-c", "import os; print(os.listdir('.'))"], cwd=clone
    )
    assert done.stdout.strip() == "['code']"


def test_the_covered_folder_cannot_be_written(closed):
    clone = closed / "clone"
    confinement = Confinement(user=SYSTEM_USER, readable=(clone, CLONE, *interpreter_folders()))
    done = launch(confinement, ["/bin/sh", "-c", f"touch {closed}/new"])
    assert done.returncode != 0
    assert not (closed / "new").exists()


def test_files_that_only_their_owner_reads_stop_the_start(closed):
    program = closed / "clone" / "program"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o700)
    confinement = Confinement(user=SYSTEM_USER, readable=(closed / "clone", *interpreter_folders()))
    done = launch(confinement, [str(program)])
    assert done.returncode != 0
    assert "ran" not in done.stdout
    assert "Move the clone" in done.stderr


def test_a_kernel_that_refuses_mounts_is_explained(closed):
    """As in a plain container: nothing starts, and the way out is told."""
    confinement = Confinement(user=SYSTEM_USER, readable=(closed / "clone", *interpreter_folders()))
    setpriv = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"]
    done = subprocess.run(
        [*setpriv, *confinement.wrap(["/bin/echo", "ran"])],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert "ran" not in done.stdout
    assert "/opt/muster" in done.stderr


def test_a_program_dies_with_its_starter():
    script = (
        "import subprocess, sys, time\n"
        "from range.lib.privileges import Confinement\n"
        "child = subprocess.Popen(Confinement().wrap(['sleep', '60']))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script], cwd=CLONE, stdout=subprocess.PIPE, text=True
    )
    pid = int(starter.stdout.readline())
    _until(lambda: Path(f"/proc/{pid}/comm").read_text().strip() == "sleep")
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    _until(lambda: not _lives(pid))


def test_a_folder_everybody_enters_is_not_closed(closed):
    assert closed_folders([Path("/usr/bin")], user=SYSTEM_USER) == []
    assert closed_folders([closed / "clone"], user=SYSTEM_USER)[0] in [closed, *closed.parents]


def test_an_unknown_user_is_refused():
    with pytest.raises(KeyError):
        drop_to("nobody-of-that-name")


def test_a_user_that_cannot_be_made_is_explained():
    with pytest.raises(PrivilegeError, match="cannot be created"):
        ensure_system_user("not a name")


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
