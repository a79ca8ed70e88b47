"""The console and the replay in Chromium, under the site's own content policy."""

import asyncio
import contextlib
import os
import threading
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import TimeoutError

from range.console.consumers import ConsoleConsumer
from tests.console.live import desk, listening, pages_config, serving
from tests.console.test_transcripts import PROMPT, ran
from tests.support.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("MUSTER_SCREENSHOTS")
AXE = Path("static/vendor/axe-core/axe.min.js")
# Everything a terminal's buffer holds, however it is drawn.
HOLDS = """([label, text]) => {
    const all = Array.from(document.querySelectorAll(".terminal[data-label]"));
    const found = label ? all.find((each) => each.dataset.label === label) : all[0];
    const buffer = found?.live?.term?.buffer.active;
    if (!buffer) return false;
    const rows = Array.from({length: buffer.length}, (_, at) => buffer.getLine(at));
    const lines = rows.map((row) => (row.isWrapped ? "" : "\\n") + row.translateToString(true));
    return lines.join("").includes(text);
}"""
# Closes the terminals' connections and looks on from inside: each waits for a quarter of a second
# only, which may fall between two looks from here.
LOSE = """() => Promise.all(
    Array.from(document.querySelectorAll(".terminal[data-label]"), (each) => new Promise((lost) => {
        const watch = new MutationObserver(() => {
            if (each.dataset.state !== "waiting") return;
            watch.disconnect();
            lost();
        });
        watch.observe(each, {attributeFilter: ["data-state"]});
        each.live.socket.close();
    }))
)"""


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

    def paste(self, text):
        self.page.evaluate(
            """(text) => {
                const data = new DataTransfer();
                data.setData("text/plain", text);
                const area = document.querySelector(".terminal__screen textarea");
                const event = {clipboardData: data, bubbles: true, cancelable: true};
                area.dispatchEvent(new ClipboardEvent("paste", event));
            }""",
            text,
        )

    def until(self, condition):
        """Wait for something that the page makes happen elsewhere."""
        for _ in range(1200):
            if condition():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"it did not happen; {self.problems}")

    def focused(self):
        return self.page.evaluate("document.activeElement.getAttribute('aria-label')")

    def shows(self, text, label=""):
        """Wait until a terminal, the first one if none is named, holds a text."""
        self.page.wait_for_function(HOLDS, arg=[label, text], timeout=60_000)

    def lose(self):
        """Close every terminal's connection; return once each has said that it waits."""
        self.page.evaluate(LOSE)

    def opens(self, label):
        """Wait until a terminal can be typed into."""
        self.page.locator(f'.terminal[data-label="{label}"][data-state=open]').wait_for(
            timeout=15_000
        )

    def focus(self, label):
        self.page.locator(f'.terminal[data-label="{label}"] textarea').focus()

    def columns(self, label):
        terminal = self.page.locator(f'.terminal[data-label="{label}"]')
        return terminal.evaluate("each => each.live.term.cols")

    def terminals(self):
        """Return the names of the shells that live on the machine."""
        return list(
            self.sitting.driver.sandboxes[self.sitting.sandbox.pk].machines["web"].terminals
        )

    def on_touch(self, width, height):
        """Go on with a touch screen of this size."""
        context = self.page.context.browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=True,
            is_mobile=True,
            storage_state=self.page.context.storage_state(),
        )
        self.page = context.new_page()
        self.page.on("console", self._heard)
        return self.page


@contextlib.contextmanager
def chromium_place(settings, monkeypatch, *, between=contextlib.nullcontext):
    """A trainee at a desk with a browser of their own.

    Args:
        between: Yields the port through which the browser reaches the one given.
    """
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    sitting = desk()
    with (
        served() as (pages, role),
        between(role) as consoles,
        chromium(pages, consoles) as browser,
    ):
        settings.RANGE_WEB_PORT, settings.RANGE_CONSOLE_PORT = pages, consoles
        url = f"http://localhost:{pages}"
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        name = django_settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": sitting.cookie, "url": url}])
        yield Place(sitting, url, context.new_page())


@pytest.fixture
def place(console_role, settings, monkeypatch):
    with chromium_place(settings, monkeypatch) as made:
        yield made


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


def test_what_is_typed_before_the_connection_is_there_goes_with_it(place, monkeypatch):
    real, let_in = ConsoleConsumer._admitted, threading.Event()

    async def later(consumer):
        while not let_in.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return await real(consumer)

    monkeypatch.setattr(ConsoleConsumer, "_admitted", later)
    place.page.goto(f"{place.url}/attempts/{place.sitting.attempt.pk}/")
    place.type("early")
    assert place.page.locator(".terminal[data-state=connecting]").count() == 1
    let_in.set()
    place.shows("early")
    place.type(" late")
    place.shows("early late")
    assert place.sitting.terminal().typed == b"early late"
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
    place.lose()
    place.page.locator(".terminal[data-state=open]").first.wait_for(timeout=60_000)
    place.shows("unsaved words")


def test_a_long_paste_is_asked_about_and_arrives_whole(place):
    place.workspace()
    text = "first line of it\n" + "0123456789" * 9000
    place.paste(text)
    dialog = place.page.get_by_role("dialog", name="Paste this into web?")
    assert "90,017 characters in 2 lines" in dialog.inner_text()
    assert "first line of it" in dialog.locator("pre").inner_text()
    shot(place.page, "paste")
    assert place.sitting.terminal().typed == b""
    dialog.get_by_role("button", name="Paste", exact=True).click()
    place.until(lambda: len(place.sitting.terminal().typed) >= len(text))
    assert place.sitting.terminal().typed == text.replace("\n", "\r").encode()
    assert place.focused() == "Terminal on web. F6 leaves it for the next part of the page."


@pytest.mark.parametrize("leave", ["Escape", "button"])
def test_a_long_paste_that_is_not_wanted_types_nothing(place, leave):
    place.workspace()
    place.type("")
    place.paste("rm -rf everything\n" * 1000)
    dialog = place.page.get_by_role("dialog", name="Paste this into web?")
    if leave == "Escape":
        place.page.keyboard.press("Escape")
    else:
        dialog.get_by_role("button", name="Do not paste").click()
    dialog.wait_for(state="hidden")
    place.type("a")
    place.until(lambda: place.sitting.terminal().typed)
    assert place.sitting.terminal().typed == b"a"


def test_a_short_paste_is_bracketed_where_the_shell_asks_for_it(place):
    place.workspace()
    place.sitting.terminal().console.print(b"\x1b[?2004h ready for pastes\r\n")
    place.shows("ready for pastes")
    place.paste("two\nlines")
    place.until(lambda: place.sitting.terminal().typed.endswith(b"\x1b[201~"))
    assert place.sitting.terminal().typed == b"\x1b[200~two\rlines\x1b[201~"


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
    axe = AXE.read_text()
    for address, root in (
        (place.page.url, ".terminal"),
        (f"{place.url}/attempts/{place.sitting.attempt.pk}/replay/", "main"),
    ):
        place.page.goto(address)
        place.page.locator(f"{root} .xterm").first.wait_for()
        place.page.evaluate(axe)
        found = place.page.evaluate(f"axe.run('{root}')")["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
