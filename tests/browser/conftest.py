"""A running range and a Chromium, once for all browser tests."""

import pytest
from playwright.sync_api import expect

from tests.browser.journey import PATIENCE_SECONDS, Person
from tests.browser.site import BASE, running
from tests.support import browser

expect.set_options(timeout=PATIENCE_SECONDS * 1000)
SCREENSHOTS = BASE / "var" / "screenshots"


@pytest.fixture(scope="session")
def site():
    """The roles of a whole range; needs an engine, which only then is asked for."""
    with running("browser") as made:
        yield made


@pytest.fixture(scope="module")
def chromium(site):
    """A browser for one module: while it is open its event loop counts as running.

    Left open, it would refuse the database and every asynchronous test to whatever else the
    same worker does.
    """
    with browser.chromium(site.port, site.port + 1, site.port + 3) as opened:
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
