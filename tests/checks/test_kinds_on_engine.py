"""Kinds of checks that talk, watch or try, proved by small scenarios on real machines.

Each scenario has a negative (fresh), a positive (reference) and its kind's trap among the wrong
solutions; what a wrong solution fails for is compared too, so that none fails by accident.
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

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]
SCENARIOS = Path(__file__).resolve().parents[1] / "support" / "scenarios"
# Run, objective, check, reason, and a pattern in what was seen.
TOLD = {
    "open-ledger": """
        fresh mariadb who-gets-what answers-differ reports-see-no-card: may ask
        fresh postgresql who-gets-what answers-differ reports-see-no-card: may ask
        everybody-out mariadb who-gets-what login-refused app-works: is refused: 1045
        everybody-out postgresql who-gets-what login-refused app-works: is refused: 28000
        no-password-asked postgresql who-gets-what login-accepted made-up-password: gets in
        stopped mariadb who-gets-what no-answer db:3306
        stopped postgresql who-gets-what no-answer db:5432
        stand-in mariadb who-gets-what answers-differ app-works: the server cannot work out
        stand-in postgresql who-gets-what answers-differ app-works: the server cannot work out
    """,
    "locked-door": """
        fresh close who-gets-in login-accepted keeper-by-word: gets in
        only-the-guest close who-gets-in login-accepted keeper-by-word: gets in
        everybody-out close who-gets-in login-refused keeper-works: is refused
        no-word-at-all close who-gets-in login-accepted guest: gets in
        stopped close who-gets-in answers-differ keeper-works: too slow
        stand-in close who-gets-in answers-differ keeper-works: content-missing
    """,
    "steady-tank": """
        fresh level band answers-differ device: holding 0: is [789]
        valve-only level band answers-differ device: holding 0: is [789]
        unplugged level band no-answer plc:502
        recording level band answers-differ device: no answer of a device
    """,
    "right-order": """
        fresh order copy-first event-missing
        forged-times order copy-first event-at-another-time
        never-changed order soon event-missing
    """,
    "true-alarm": """
        fresh rule holds rule-missing
        everything rule holds rule-false-alarms hidden records: 20 of 20 found, 60 of 60
        learnt-by-heart rule holds rule-misses hidden records: 0 of 20 found
        by-label rule holds rule-misses
    """,
}


@pytest.fixture(scope="module")
def driver():
    chosen = replace(driver_options.current(), installation=f"kinds-test-{os.getpid()}")
    made = get_driver("docker", chosen)
    yield made
    for handle in made.running():
        made.stop(handle)


@pytest.mark.parametrize("slug", sorted(TOLD))
def test_a_kind_tells_right_from_wrong_on_real_machines(driver, slug):
    found = Verifier(driver=driver).verify(SCENARIOS / slug)
    assert found.passed, as_text(found)
    runs = {run.name: run for run in found.runs}
    for line in filter(None, map(str.strip, TOLD[slug].splitlines())):
        run, objective, check, reason, *seen = line.split(maxsplit=4)
        told = runs[run].reasons[objective]
        wanted = rf"(^|; ){check}: {reason}\b" + (rf".*{seen[0]}" if seen else "")
        assert re.search(wanted, told, re.DOTALL), f"{run}: wanted {wanted}, told {told}"
    assert list(driver.running()) == []
