"""The console and the replay in Chromium, under the site's own content policy."""

import asyncio
import contextlib
import os
import threading
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import TimeoutError

from tests.console.live import desk, listening, pages_config, serving
from tests.console.test_transcripts import PROMPT, ran
from tests.support.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("MUSTER_SCREENSHOTS")


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
    with served() as (pages, consoles), chromium(pages, consoles) as browser:
        settings.RANGE_WEB_PORT, settings.RANGE_CONSOLE_PORT = pages, consoles
        url = f"http://localhost:{pages}"
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        name = django_settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": sitting.cookie, "url": url}])
        yield Place(sitting, url, context.new_page())


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


def test_f6_leaves_the_terminal(place):
    place.workspace()
    place.page.locator(".terminal__screen textarea").first.focus()
    place.page.keyboard.press("F6")
    assert not place.page.evaluate("document.activeElement.closest('.terminal') !== null")
    assert place.sitting.terminal().typed == b""


def test_sequences_that_reach_beyond_the_terminal_do_nothing(place):
    place.workspace()
    before = place.page.title()
    place.sitting.terminal().console.print(
        b"\x1b]0;owned\x07\x1b]2;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b[21t\x1b[18t"
        b"\x1b]8;;javascript:document.title='owned'\x1b\\click\x1b]8;;\x1b\\"
        b"\x1bP+q544e\x1b\\\x1b]1337;File=:AAAA\x07 harmless\r\n"
    )
    place.shows("harmless")
    place.type("a")
    place.shows("harmless")
    assert place.page.title() == before
    # Nothing but the key was typed: no report, no answer.
    assert place.sitting.terminal().typed == b"a"
    assert place.problems == []


def test_a_question_is_answered_once_although_two_pages_show_the_console(place):
    place.workspace()
    second = place.page.context.new_page()
    second.goto(place.page.url)
    second.locator(".terminal[data-state=open]").first.wait_for()
    place.sitting.terminal().console.print(b"\x1b[c asked\r\n")
    place.shows("asked")
    second.wait_for_timeout(500)
    assert place.sitting.terminal().typed.count(b"\x1b[?") == 1


def test_a_lost_connection_comes_back_with_the_screen(place):
    place.workspace()
    place.type("unsaved words")
    place.shows("unsaved words")
    place.page.evaluate("document.querySelector('.terminal').live.socket.close()")
    place.page.locator(".terminal[data-state=waiting]").first.wait_for(timeout=5000)
    place.page.locator(".terminal[data-state=open]").first.wait_for(timeout=10_000)
    place.shows("unsaved words")


def test_a_long_paste_is_asked_about_and_arrives_whole(place):
    place.workspace()
    questions = []
    place.page.on("dialog", lambda dialog: (questions.append(dialog.message), dialog.accept()))
    place.page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/plain", "0123456789".repeat(9000));
            const area = document.querySelector(".terminal__screen textarea");
            area.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    for _ in range(100):
        if len(place.sitting.terminal().typed) >= 90_000:
            break
        place.page.wait_for_timeout(50)
    assert questions
    assert place.sitting.terminal().typed == b"0123456789" * 9000


def test_the_replay_plays_seeks_and_jumps(place):
    place.workspace()
    console = place.sitting.terminal().console
    console.print(PROMPT + ran(b"echo one", b"one\r\n"))
    place.shows("one")
    place.page.wait_for_timeout(1500)
    console.print(ran(b"echo two", b"two\r\n"))
    place.shows("two")
    place.page.wait_for_timeout(1500)
    place.page.goto(f"{place.url}/attempts/{place.sitting.attempt.pk}/replay/")
    page = place.page
    page.locator("[data-replay][data-ready=yes]").wait_for()
    page.locator(".replay__event", has_text="echo two").click()
    page.locator("[data-replay-seek]").focus()
    page.keyboard.press("End")
    rows = page.locator(".replay__screen .xterm-rows")
    rows.get_by_text("echo two").wait_for(timeout=5000)
    page.wait_for_timeout(300)
    shot(page, "replay")
    began = page.evaluate("performance.now()")
    page.keyboard.press("Home")
    rows.get_by_text("echo two").wait_for(state="detached", timeout=5000)
    assert page.evaluate("performance.now()") - began < 2000
    page.get_by_role("button", name="Link to this moment").click()
    assert "recording=" in page.url
    page.get_by_role("button", name="Play", exact=True).click()
    rows.get_by_text("echo two").wait_for(timeout=10_000)
    assert place.problems == []


def test_console_and_replay_have_no_accessibility_violation(place):
    place.workspace()
    place.type("words")
    place.shows("words")
    place.page.wait_for_timeout(1300)
    axe = Path("static/vendor/axe-core/axe.min.js").read_text()
    for address, root in (
        (place.page.url, ".terminal"),
        (f"{place.url}/attempts/{place.sitting.attempt.pk}/replay/", "main"),
    ):
        place.page.goto(address)
        place.page.locator(f"{root} .xterm").first.wait_for()
        place.page.evaluate(axe)
        found = place.page.evaluate(f"axe.run('{root}')")["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
