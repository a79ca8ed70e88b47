"""The tutorial's literal lines, typed into a real console, solve every way of sudo-says.

The default run types the two ways that go through a program of the terminal's own, a pager and an
editor; `bin/test --full` types all eight.
"""

import os
import re
from pathlib import Path

import pytest

from tests.scenarios.trial import trial
from tests.scenarios.typing import typed

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "sudo-says-step-by-step.md"
PARTS = {
    "sudo-pager": "A pager",
    "sudo-editor": "An editor",
    "sudo-path": "A search path",
    "sudo-env": "A variable",
    "setuid-copy": "A set-uid copy",
    "capability": "A capability",
    "cron-script": "A script of root",
    "tar-wildcard": "A star",
}
TYPED = PARTS if os.environ.get("MUSTER_TEST_FULL") else ["sudo-pager", "sudo-editor"]


def lines_of(heading):
    """Return the lines to type below a heading of the tutorial."""
    section = re.split(r"^##+ ", TUTORIAL.read_text(encoding="utf-8"), flags=re.MULTILINE)
    body = next(each for each in section if each.split("\n", 1)[0].endswith(heading))
    found = re.findall(r"^```sh\n(.*?)^```$", body, re.DOTALL | re.MULTILINE)
    return found[0].splitlines()


def closing_lines(part):
    """Return the lines of a part's row in the table of repairs."""
    row = re.search(
        rf"^\| {re.escape(part)} \| (`.+`) \|$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE
    )
    return re.findall(r"`([^`]+)`", row[1])


def test_every_way_has_its_part_and_its_repair():
    for part in PARTS.values():
        assert lines_of(part)[-1] == "cat /root/flag.txt"
        assert closing_lines(part)


@pytest.mark.docker
@pytest.mark.enable_socket
@pytest.mark.slow
@pytest.mark.parametrize("way", TYPED)
def test_a_newcomer_who_types_the_tutorial_becomes_root_and_closes_the_way(driver, way):
    part = PARTS[way]
    with trial(driver, "sudo-says", way=way) as desk:
        assert desk.judged("close")[0] == "UNMET"
        repair = [*lines_of("3. Close the way"), *closing_lines(part)]
        lines = [*lines_of("1. Look around"), *lines_of(part), *repair]
        shown = typed(desk.driver, desk.handle, "desk", lines)
        assert desk.values["flag_root"] in shown
        outcome, reasons = desk.judged("close")
        assert outcome == "MET", (reasons, shown[-2000:])
