"""Pages of this very process in Chromium: somebody signed in, looks in themes and widths."""

import contextlib
import os
from pathlib import Path

from django.conf import settings as django_settings

from tests.browser.journey import ENDED, violations
from tests.console.live import sign_in
from tests.console.test_browser import served
from tests.support.browser import chromium
from tests.support.looks import looks

SHOTS = os.environ.get("MUSTER_SCREENSHOTS")


class Visit:
    """A person in a browser, with what the browser complains of."""

    def __init__(self, browser, url, person):
        context = browser.new_context(
            base_url=url, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
        )
        name = django_settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": sign_in(person), "url": url}])
        self.page = context.new_page()
        self.problems = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _hear(self, line):
        # What a page asked for by itself ends when it is left, which htmx calls an error.
        if line.type == "error" and not line.text.startswith(ENDED):
            self.problems.append(line.text)

    def looks(self, name):
        """Have the page audited in both themes and widths, and keep pictures where asked."""
        for theme, width in looks():
            self.page.emulate_media(color_scheme=theme)
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.evaluate("scrollTo(0, 0)")
            if SHOTS:
                self.page.screenshot(
                    path=str(Path(SHOTS) / f"{name}-{theme}-{width}.png"), full_page=True
                )
            assert violations(self.page) == [], (name, theme, width)
            assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        self.page.set_viewport_size({"width": 390, "height": 800})
        if SHOTS:
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}-phone.png"))
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1280, "height": 800})


@contextlib.contextmanager
def visiting(settings, monkeypatch):
    """Serve the pages and give a way to send somebody there."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with served() as (pages, consoles), chromium(pages, consoles) as browser:
        settings.RANGE_WEB_PORT, settings.RANGE_CONSOLE_PORT = pages, consoles
        yield lambda person: Visit(browser, f"http://localhost:{pages}", person)
