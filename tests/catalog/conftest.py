import pytest

from range.catalog.reader import read_scenario
from tests.catalog.support import write


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "small-desk")


@pytest.fixture
def loaded(folder):
    return read_scenario(folder)
