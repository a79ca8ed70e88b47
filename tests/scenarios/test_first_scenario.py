"""The tutorial for authors, carried out to the letter: commands typed, files edited, keys pressed.

A test that reads the page and does what it says: `sh` blocks are typed, the `text` block after
something is waited for, and the sentences before other blocks say where they go.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from range.authoring.trial_slot import options_for
from range.catalog.lint import lint
from range.catalog.reader import read_scenario
from range.runtime import options as driver_options
from range.runtime.registry import get_driver
from tests.authoring.test_try_command import Terminal

CLONE = Path(__file__).resolve().parents[2]
PAGE = CLONE / "docs" / "tutorials" / "your-first-scenario.md"
MANAGE = ".venv/bin/python manage.py "
PART = re.compile(r"^```(\w+)\n(.*?)^```$|Press `(\w)`", re.DOTALL | re.MULTILINE)


class Reader:
    """Somebody who does what a page says.

    Args:
        root: Stands for the clone's `scenarios`.
    """

    def __init__(self, root):
        self.root = root
        self.trying = None
        self.shown = ""
        self.done = []

    def follow(self, page):
        """Carry out everything on a page, in order."""
        before, old = 0, None
        for part in PART.finditer(page):
            words, before = page[before : part.start()], part.end()
            language, block, key = part.groups()
            if key:
                self.trying.type(key)
            elif language == "sh":
                for line in block.splitlines():
                    self.type(line)
            elif language == "text":
                self.expect(block)
            elif re.search(r"change\s*$", words):
                old = (re.findall(r"In `([^`]+)`, change\s*$", words)[0], block)
            elif words.strip() == "to":
                self.edit(*old, block)
            else:
                self.path(re.findall(r"Write `([^`]+)`:\s*$", words)[0]).write_text(block)
            self.done.append(language or "key")

    def path(self, name):
        assert name.startswith("scenarios/")
        return self.root / name.removeprefix("scenarios/")

    def edit(self, name, old, new):
        text = self.path(name).read_text()
        assert text.count(old) == 1, f"{name} has this {text.count(old)} times: {old}"
        self.path(name).write_text(text.replace(old, new))

    def type(self, line):
        assert line.startswith(MANAGE), line
        arguments = line.removeprefix(MANAGE).split()
        if arguments[0] == "try_scenario":
            self.trying = Terminal(self.root / arguments[1])
            return
        done = subprocess.run(
            [sys.executable, CLONE / "manage.py", *arguments],
            cwd=self.root.parent,
            env=os.environ
            | {"RANGE_SCENARIOS_DIR": str(self.root), "RANGE_STATE_DIR": str(self.root / "state")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.shown = done.stdout

    def expect(self, block):
        for line in block.splitlines():
            pattern = ".*".join(map(re.escape, line.split("…")))
            if self.trying and self.trying.process.poll() is None:
                self.trying.until(pattern)
                continue
            found = re.search(rf"^{pattern}", self.shown, re.MULTILINE)
            assert found, f"{line!r} was not shown: {self.shown}"
            self.shown = self.shown[found.end() :]


@pytest.fixture
def reader(tmp_path):
    made = Reader(tmp_path / "scenarios")
    yield made
    if made.trying:
        if made.trying.process.poll() is None:
            made.trying.process.kill()
            made.trying.process.wait()
        os.close(made.trying.main)
    driver = get_driver("docker", options_for("night-shift"))
    for handle in list(driver.running()):
        driver.stop(handle)


@pytest.mark.docker
@pytest.mark.timeout(600)
def test_whoever_does_what_the_page_says_has_a_scenario_that_verifies(reader):
    reader.follow(PAGE.read_text(encoding="utf-8"))
    assert reader.done.count("sh") == 6
    assert reader.done.count("key") == 4
    assert [str(problem) for problem in lint(read_scenario(reader.root / "night-shift"))] == []
    assert (reader.root.parent / "night-shift.zip").is_file()
    assert reader.trying.process.wait(60) == 0
    options = driver_options.current()
    assert options_for("night-shift").installation.startswith(options.installation)
    assert list(get_driver("docker", options_for("night-shift")).running()) == []


def test_the_page_names_no_command_that_is_not_there():
    named = set(re.findall(r"manage\.py (\w+)", PAGE.read_text(encoding="utf-8")))
    there = {path.stem for path in CLONE.glob("range/*/management/commands/*.py")}
    assert named <= there
    assert {"new_scenario", "try_scenario", "check_scenarios", "verify_scenarios"} <= named
