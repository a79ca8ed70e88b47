import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from range.lib.errors import RangeError
from range.operations import single

CLONE = Path(__file__).resolve().parents[2]
HOLDER = """
import signal, sys, time
from pathlib import Path
from range.operations import single
file = single.claim(Path(sys.argv[1]))
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("claimed", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    started = []

    def hold(kind="polite"):
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path), kind],
            cwd=CLONE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        assert child.stdout.readline() == "claimed\n"
        return child

    yield hold
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()


def test_a_clone_runs_once(tmp_path, holder):
    child = holder()
    with pytest.raises(single.AlreadyRunning) as refused:
        single.claim(tmp_path)
    assert refused.value.pid == child.pid
    assert "bin/up --stop" in refused.value.message


def test_two_clones_run_beside_each_other(tmp_path):
    with single.claim(tmp_path / "a"), single.claim(tmp_path / "b"):
        pass


def test_a_killed_supervisor_leaves_nothing_to_clean(tmp_path, holder):
    child = holder()
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert single.running_pid(tmp_path) is None
    with single.claim(tmp_path):
        assert single.pid_file(tmp_path).read_text() == f"{os.getpid()}\n"


def test_stopping_waits_for_the_end(tmp_path, holder):
    child = holder()
    assert single.stop(tmp_path) is True
    assert child.wait(timeout=5) == -signal.SIGTERM
    assert single.stop(tmp_path) is False


def test_one_that_will_not_end_is_told(tmp_path, holder):
    child = holder("stubborn")
    with pytest.raises(RangeError, match=f"kill -9 {child.pid}"):
        single.stop(tmp_path, within=timedelta(seconds=0.3))
