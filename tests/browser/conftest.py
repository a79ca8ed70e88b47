"""A running range and a Chromium, once for all browser tests."""

import os
import shutil
from pathlib import Path

import pytest

from range.lib.state import SYSTEM_USER
from tests.browser.journey import Person
from tests.browser.site import BASE, Site
from tests.support import browser

SCREENSHOTS = BASE / "var" / "screenshots"


@pytest.fixture(scope="session")
def site():
    """The roles of a whole range; needs an engine, which only then is asked for."""
    state_dir = Path(os.environ["RANGE_STATE_DIR"]) / f"browser-{os.getpid()}"
    for folder in (state_dir, state_dir / "recordings", state_dir / "weights"):
        folder.mkdir(parents=True, mode=0o755)
    if os.geteuid() == 0:
        # As bin/up does it: the roles without an engine read what the console role writes.
        shutil.chown(state_dir / "recordings", group=SYSTEM_USER)
        (state_dir / "recordings").chmod(0o2750)
        shutil.chown(state_dir / "weights", SYSTEM_USER, SYSTEM_USER)
    running = Site(state_dir)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def chromium(site):
    """A browser for one module: while it is open its event loop counts as running.

    Left open, it would refuse the database and every asynchronous test to whatever else the
    same worker does.
    """
    with browser.chromium(site.port, site.port + 1) as opened:
        yield opened


@pytest.fixture(scope="module")
def finished(site, chromium):
    """A graded attempt of the trainee: the journey's, or one made for tests run without it."""
    if not site.finished:
        trainee = Person(chromium, site, "trainee")
        site.finished = trainee.launch("sudo-says")
        trainee.solve(site.finished)
        trainee.finish()
        trainee.close()
    return site.finished


def keep(page, name: str) -> None:
    """Take a screenshot for whoever looks at the pages."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
