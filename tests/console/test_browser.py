"""The console and the replay in Chromium, under the site's own content policy."""

import asyncio
import contextlib
import os
import threading
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import TimeoutError, sync_playwright

from tests.console.live import desk, listening, pages_config, serving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("MUSTER_SCREENSHOTS")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def served():
    """Pages and consoles, in a thread with a loop of its own."""
    started, ended, found = threading.Event(), [], []

    async def run():
        async with serving() as consoles, listening(pages_config) as pages:
            ending = asyncio.Event()
            loop = asyncio.get_running_loop()
            ended.append(lambda: loop.call_soon_threadsafe(ending.set))
            found.extend([pages, consoles.port])
            started.set()
            await ending.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert started.wait(10)
    try:
        yield found
    finally:
        ended[0]()
        thread.join(20)


class Place:
    """A trainee at a desk, and a browser signed in as them."""

    def __init__(self, sitting, url, page):
        self.sitting, self.url, self.page = sitting, url, page
        self.problems = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _heard(self, line):
        if line.type == "error":
            self.problems.append(f"{line.text} {line.location}")

    def workspace(self):
        self.page.goto(f"{self.url}/attempts/{self.sitting.attempt.pk}/")
        try:
            self.page.locator(".terminal[data-state=open]").first.wait_for(timeout=15_000)
        except TimeoutError as error:
            state = self.page.locator(".terminal__state").all_inner_texts()
            raise AssertionError(f"no terminal opened: {state} {self.problems}") from error

    def type(self, text):
        self.page.locator(".terminal__screen textarea").first.focus()
        self.page.keyboard.type(text)

    def shows(self, text):
        """Wait until the first terminal's buffer holds a text, however it is drawn."""
        self.page.wait_for_function(
            """(text) => {
                const buffer = document.querySelector(".terminal").live.term.buffer.active;
                const rows = Array.from({length: buffer.length}, (_, at) => buffer.getLine(at));
                return rows.map((row) => row.translateToString(true)).join("\\n").includes(text);
            }""",
            arg=text,
            timeout=10_000,
        )


@pytest.fixture
def place(console_role, settings, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    sitting = desk()
    with served() as (pages, consoles), sync_playwright() as playwright:
        settings.RANGE_WEB_PORT, settings.RANGE_CONSOLE_PORT = pages, consoles
        url = f"http://localhost:{pages}"
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        name = django_settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": sitting.cookie, "url": url}])
        yield Place(sitting, url, context.new_page())
        browser.close()


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def without_graphics(page):
    """A browser without WebGL, as on a machine without a graphics card."""
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); };"
    )


@pytest.mark.parametrize("graphics", [True, False])
def test_a_trainee_types_and_what_the_terminal_shows_appears(place, graphics):
    if not graphics:
        without_graphics(place.page)
    place.workspace()
    colours = b"\x1b[31mred \x1b[38;2;200;100;50mtrue colour\x1b[0m \xe4\xb8\xad\xe6\x96\x87\r\n"
    place.sitting.terminal().console.print(colours)
    place.type("echo from the browser")
    place.shows("echo from the browser")
    place.shows("true colour")
    shot(place.page, f"console-{'graphics' if graphics else 'elements'}")
    assert place.sitting.terminal().typed == b"echo from the browser"
    assert place.problems == []
