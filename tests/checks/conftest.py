import pytest

from tests.checks.support import FakeProbe


@pytest.fixture
def probe():
    return FakeProbe()
