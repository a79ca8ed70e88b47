"""The in-memory driver passes the conformance suite of drivers."""

from uuid import uuid4

import pytest

from tests.contracts.driver import LifecycleContract, ProgramsAndFilesContract
from tests.contracts.driver_reach import ConsoleContract, ReachContract
from tests.contracts.rigs import FakeRig, soon, topology


@pytest.fixture(scope="module")
def rig():
    made = FakeRig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sandbox(rig):
    return rig.driver.start(uuid4(), topology(), deadline=soon())


@pytest.fixture(scope="module")
def served(rig, sandbox):
    rig.serve(sandbox, "store", 8080)
    return sandbox


class TestLifecycle(LifecycleContract):
    pass


class TestProgramsAndFiles(ProgramsAndFilesContract):
    pass


class TestReach(ReachContract):
    pass


class TestConsole(ConsoleContract):
    pass
