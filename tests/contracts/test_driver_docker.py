"""The driver for one container engine passes the conformance suite of drivers."""

import asyncio
import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from range.runtime import host_stillness
from range.runtime.driver import Size, Status
from tests.contracts.driver import LifecycleContract, ProgramsAndFilesContract
from tests.contracts.driver_reach import ConsoleContract, ReachContract
from tests.contracts.rigs import DockerRig, soon, topology
from tests.support.waiting import until

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


# Of so many pauses, some slip away at first, and some are heard of late.
PAUSES = 15
FORK = """
import os
while True:
    try:
        child = os.fork()
    except OSError:
        continue
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
"""
SILENT = "exec >&- 2>&-"
COUNT = "while :; do echo >> /srv/count; sleep 0.002; done"


@pytest.fixture
def held(rig):
    """Return a context that holds a machine still for a moment, beside what goes on in it."""

    @contextmanager
    def holding(seconds=1):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        is_still, is_over = threading.Event(), threading.Event()

        def hold():
            with rig.driver.held_still(handle, "desk"):
                is_still.set()
                is_over.wait(seconds)

        thread = threading.Thread(target=hold)
        thread.start()
        assert is_still.wait(20)
        try:
            yield handle
        finally:
            is_over.set()
            thread.join()

    return holding


def frozen(rig, handle):
    """Tell whether the kernel holds the machine's first process still."""
    with rig.driver.engine.client() as client:
        found = client.inspect_container(handle.machines["desk"].container_id)
    return not host_stillness._freezer_of(found["State"]["Pid"], found["Id"]).is_free()


class TestLifecycle(LifecycleContract):
    @pytest.fixture
    def count(self, rig, sandbox):
        """Have a program count on and on; return what it has come to."""

        def come_to():
            return len(rig.driver.read_file(sandbox, "desk", "/srv/count") or b"")

        # Another test may have counted there.
        before = come_to()
        counting = f"setsid sh -c '{COUNT}' >/dev/null 2>&1 &"
        rig.driver.exec(sandbox, "desk", ["sh", "-c", counting])
        until(lambda: come_to() > before, "it does not count")
        yield come_to
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

    @pytest.mark.timeout(400)
    def test_what_starts_processes_all_the_time_is_paused(self, rig):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        for _ in range(6):
            forking = f"setsid python3 -c '{FORK}' >/dev/null 2>&1 &"
            rig.driver.exec(handle, "desk", ["sh", "-c", forking])
        for _ in range(PAUSES):
            rig.driver.pause(handle)
            assert frozen(rig, handle)
            rig.driver.resume(handle)
            assert rig.driver.exec(handle, "desk", ["true"]).exit_code == 0
        rig.driver.stop(handle)

    def test_what_is_held_still_is_paused_afterwards_and_for_good(self, rig, held):
        with held() as handle:
            rig.driver.pause(handle)
        assert rig.driver.status(handle) is Status.PAUSED
        assert frozen(rig, handle)
        rig.driver.stop(handle)


class TestProgramsAndFiles(ProgramsAndFilesContract):
    def test_a_program_waits_while_its_machine_is_held_still(self, rig, held):
        with held() as handle:
            result = rig.driver.exec(handle, "desk", ["echo", "on"])
        assert (result.exit_code, result.stdout) == (0, b"on\n")
        rig.driver.stop(handle)

    def test_a_machine_held_still_for_too_long_is_a_result(self, rig, held):
        with held(seconds=8) as handle:
            short = timedelta(milliseconds=100)
            result = rig.driver.exec(handle, "desk", ["true"], timeout=short)
        # What comes first decides: the last refusal, or the end of the time.
        assert result.exit_code in {126, 137}
        rig.driver.stop(handle)

    def test_a_program_that_closes_its_streams_is_waited_for(self, rig, sandbox):
        result = rig.driver.exec(sandbox, "desk", ["sh", "-c", f"{SILENT}; sleep 1; exit 3"])
        assert (result.exit_code, result.timed_out) == (3, False)

    def test_a_program_that_closes_its_streams_ends_at_its_time_out(self, rig, sandbox):
        argv = ["sh", "-c", f"{SILENT}; exec sleep 601"]
        result = rig.driver.exec(sandbox, "desk", argv, timeout=timedelta(seconds=1))
        assert (result.exit_code, result.timed_out) == (137, True)
        assert not [p for p in rig.driver.processes(sandbox, "desk") if p.argv == ("sleep", "601")]


class TestReach(ReachContract):
    pass


class TestConsole(ConsoleContract):
    async def test_a_console_of_a_machine_held_still_opens_afterwards(self, rig, held):
        with held() as handle:
            console = await rig.driver.open_console(handle, "desk", Size())
            await console.write(b"echo $((20 + 22))\r")
            seen = b""
            while b"42" not in seen:
                seen += await asyncio.wait_for(console.read(), 20)
            await console.close()
        assert b"OCI" not in seen
        rig.driver.stop(handle)
