"""The driver for one container engine passes the conformance suite of drivers."""

import os
import signal
import time
from uuid import uuid4

import pytest

from range.runtime.driver import Status
from tests.contracts.driver import LifecycleContract, ProgramsAndFilesContract
from tests.contracts.driver_reach import ConsoleContract, ReachContract
from tests.contracts.rigs import DockerRig, soon, topology

pytestmark = [pytest.mark.docker, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def rig():
    made = DockerRig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sandbox(rig):
    return rig.driver.start(uuid4(), topology(), deadline=soon())


@pytest.fixture(scope="module")
def served(rig, sandbox):
    rig.serve(sandbox, "store", 8080)
    return sandbox


COUNT = "while :; do echo >> /srv/count; sleep 0.002; done"


class TestLifecycle(LifecycleContract):
    @pytest.fixture
    def count(self, rig, sandbox):
        """Have a program count on and on; return what it has come to."""
        counting = f"setsid sh -c '{COUNT}' >/dev/null 2>&1 &"
        rig.driver.exec(sandbox, "desk", ["sh", "-c", counting])
        time.sleep(0.3)
        yield lambda: len(rig.driver.read_file(sandbox, "desk", "/srv/count"))
        rig.driver.exec(sandbox, "desk", ["pkill", "-f", "/srv/count"])

    def test_nothing_moves_in_a_machine_held_still(self, rig, sandbox, count):
        with rig.driver.held_still(sandbox, "desk"):
            before = count()
            time.sleep(0.2)
            assert count() == before
            assert any(COUNT in p.argv for p in rig.driver.processes(sandbox, "desk"))
        time.sleep(0.2)
        assert count() != before

    def test_a_machine_goes_on_though_whoever_held_it_was_killed(self, rig, sandbox, count):
        child = os.fork()
        if child == 0:
            with rig.driver.held_still(sandbox, "desk"):
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        time.sleep(0.5)
        before = count()
        time.sleep(0.2)
        assert count() != before

    def test_what_is_paused_stays_paused(self, rig):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        rig.driver.pause(handle)
        with rig.driver.held_still(handle, "desk"):
            pass
        assert rig.driver.status(handle) is Status.PAUSED
        rig.driver.stop(handle)


class TestProgramsAndFiles(ProgramsAndFilesContract):
    pass


class TestReach(ReachContract):
    pass


class TestConsole(ConsoleContract):
    pass
