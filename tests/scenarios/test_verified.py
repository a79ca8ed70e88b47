"""Every scenario of the library proves itself on real machines.

The default run verifies every scenario that ships; `bin/test --full` repeats each of them, so
that what depends on what is drawn for an attempt shows.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from range.authoring.verification_report import as_text
from range.authoring.verify import Verifier
from range.runtime import options as driver_options
from range.runtime.registry import get_driver

LIBRARY = Path(__file__).resolve().parents[2] / "scenarios"
REPEATS = 3 if os.environ.get("MUSTER_TEST_FULL") else 1
pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def driver():
    chosen = replace(driver_options.current(), installation=f"library-test-{os.getpid()}")
    made = get_driver("docker", chosen)
    yield made
    for handle in made.running():
        made.stop(handle)


@pytest.mark.parametrize("repeat", range(REPEATS))
@pytest.mark.parametrize("slug", sorted(path.name for path in LIBRARY.iterdir() if path.is_dir()))
def test_a_scenario_of_the_library_verifies(driver, slug, repeat):
    found = Verifier(driver=driver).verify(LIBRARY / slug)
    assert found.passed, as_text(found)
    names = {re.split(r"[\s\[#]", run.name)[0] for run in found.runs}
    assert {"fresh", "reference", "foreign-flag"} <= names
    assert sum(name.startswith("wrong-") for name in names) >= 2
    assert list(driver.running()) == []
