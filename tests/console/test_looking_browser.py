"""An instructor looks at a trainee's terminal: two people, two browsers, the real pages."""

import os
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from range.accounts.models import AccessRecord, Membership
from range.console.protocol import Close
from range.exercises.models import Attempt
from range.timeline.models import Event
from tests.browser.journey import violations
from tests.console.live import Desk, desk, person, sandbox_of, sign_in
from tests.console.looks import staff
from tests.console.test_browser import served
from tests.support.browser import chromium
from tests.support.looks import looks

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("MUSTER_SCREENSHOTS")
BUFFER = """(terminal) => {
    if (!terminal) return "";
    const buffer = terminal.buffer.active;
    const rows = Array.from({length: buffer.length}, (_, at) => buffer.getLine(at));
    return rows.map((row) => row.translateToString(true)).join("\\n");
}"""
TRAINEES = f"({BUFFER})(document.querySelector('.terminal')?.live?.term)"
LOOKS = f"({BUFFER})(document.querySelector('[data-look]')?.look?.term)"


class Someone:
    """A person with a browser of their own."""

    def __init__(self, browser, url, cookie, **options):
        self.url = url
        self.context = browser.new_context(
            base_url=url, **({"viewport": {"width": 1280, "height": 800}} | options)
        )
        name = django_settings.SESSION_COOKIE_NAME
        self.context.add_cookies([{"name": name, "value": cookie, "url": url}])
        self.page = self.context.new_page()
        self.problems = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _heard(self, line):
        if line.type == "error":
            self.problems.append(f"{line.text} {line.location}")

    def work(self, sitting):
        self.page.goto(f"/attempts/{sitting.attempt.pk}/")
        self.page.locator(".terminal[data-state=open]").first.wait_for(timeout=15_000)

    def type(self, text, screen=".terminal__screen"):
        self.page.locator(f"{screen} textarea").first.focus()
        self.page.keyboard.type(text)

    def shows(self, text, terminal=TRAINEES):
        self.page.wait_for_function(
            f"(text) => {terminal}.includes(text)", arg=text, timeout=10_000
        )

    def shot(self, name):
        if SHOTS:
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


class Class:
    """A trainee at a desk and an instructor of their school."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url
        self.sitting = desk()
        self.sitting.trainee.display_name = "Tia Okonkwo-Featherstonehaugh"
        self.sitting.trainee.save()
        _, self.cookie = staff()
        self.trainee = self.someone(self.sitting.cookie)
        self.instructor = self.someone(self.cookie)

    def someone(self, cookie, **options):
        return Someone(self.browser, self.url, cookie, **options)

    def look(self):
        page = self.instructor.page
        page.goto("/under-way/")
        page.get_by_role("link", name="Look at the terminals of Tia").click()
        page.locator("[data-look][data-state=open]").wait_for()

    def hands(self, name):
        page = self.instructor.page
        page.get_by_role("button", name=name).click()
        page.locator("[aria-pressed=true]", has_text=name).or_(
            page.locator("[data-look-hands=look][aria-pressed=true]")
        ).first.wait_for()


@pytest.fixture
def room(console_role, settings, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with served() as (pages, consoles), chromium(pages, consoles) as browser:
        settings.RANGE_WEB_PORT, settings.RANGE_CONSOLE_PORT = pages, consoles
        yield Class(browser, f"http://localhost:{pages}")


def company(page):
    return page.locator(".company__state")


def test_an_instructor_looks_types_along_takes_over_and_hands_back(room):
    trainee, instructor = room.trainee, room.instructor
    trainee.work(room.sitting)
    trainee.type("the plan")
    trainee.shows("the plan")
    room.look()
    instructor.shows("the plan", LOOKS)
    company(trainee.page).get_by_text("Ines Weber is looking").wait_for()
    trainee.shot("company-look")

    instructor.type("nothing", "[data-look-screen]")
    trainee.type(" goes on")
    instructor.shows("the plan goes on", LOOKS)
    typed = room.sitting.terminal
    assert typed().typed == b"the plan goes on"

    room.hands("Type along")
    company(trainee.page).get_by_text("Ines Weber types along").wait_for()
    instructor.page.keyboard.type(", helped")
    trainee.shows("the plan goes on, helped")
    trainee.shot("company-along")

    room.hands("Take over")
    company(trainee.page).get_by_text("Ines Weber has taken over: your keys do nothing").wait_for()
    trainee.type("LOST")
    instructor.type(", taken", "[data-look-screen]")
    trainee.shows("helped, taken")
    trainee.shot("company-over")
    instructor.shot("look-over")

    instructor.page.get_by_role("button", name="Hand back").click()
    company(trainee.page).get_by_text("Ines Weber is looking").wait_for()
    trainee.type(", mine")
    instructor.shows("taken, mine", LOOKS)
    assert typed().typed == b"the plan goes on, helped, taken, mine"
    assert (trainee.problems, instructor.problems) == ([], [])

    instructor.page.close()
    trainee.page.locator(".terminal:not([data-company])").first.wait_for()
    assert AccessRecord.objects.get().what == "the live console of web in A scenario"


def test_looking_changes_no_size_and_fits_the_trainees(room):
    room.trainee.work(room.sitting)
    before = room.sitting.terminal().sizes[:]
    room.instructor.page.set_viewport_size({"width": 700, "height": 500})
    room.look()
    sides = "(({cols, rows}) => [cols, rows])"
    theirs = room.trainee.page.evaluate(f"{sides}(document.querySelector('.terminal').live.term)")
    seen = room.instructor.page.evaluate(
        f"{sides}(document.querySelector('[data-look]').look.term)"
    )
    assert seen == theirs
    assert room.sitting.terminal().sizes == before
    screen = room.instructor.page.locator("[data-look-screen]")
    assert screen.evaluate("box => box.scrollWidth <= box.clientWidth")
    room.trainee.page.set_viewport_size({"width": 1500, "height": 900})
    room.instructor.page.wait_for_function(
        "(before) => document.querySelector('[data-look]').look.term.cols > before", arg=seen[0]
    )


def test_a_look_is_there_about_as_soon_as_the_trainees_own_page(room):
    room.trainee.work(room.sitting)
    room.trainee.type("ready")
    room.trainee.shows("ready")

    def takes():
        """Return the seconds of the trainee's own page, and those of the look."""
        began = time.monotonic()
        room.trainee.page.reload()
        room.trainee.shows("ready")
        own = time.monotonic() - began
        room.instructor.page.goto("/under-way/")
        began = time.monotonic()
        room.instructor.page.get_by_role("link", name="Look at the terminals").click()
        room.instructor.shows("ready", LOOKS)
        return own, time.monotonic() - began

    # Whatever else this machine does hits one or the other, and not each time.
    seen = []
    for _ in range(3):
        own, look = takes()
        seen.append((own, look))
        if look < 2 * own + 0.5:
            return
    raise AssertionError(f"a look takes much longer than the trainee's own page: {seen}")


def test_a_message_stands_on_the_trainees_terminal_until_it_is_dismissed(room):
    trainee, instructor = room.trainee, room.instructor
    trainee.work(room.sitting)
    room.look()
    text = "Read <img src=x onerror=alert(1)> the sudo rules"
    instructor.page.get_by_label("Message to Tia").fill(text)
    instructor.page.get_by_role("button", name="Send").click()
    card = trainee.page.locator(".company__message")
    card.get_by_text(f"Ines Weber: {text}").wait_for()
    instructor.page.get_by_text("Ines Weber wrote: Read").wait_for()
    trainee.shot("company-message")
    assert trainee.page.locator(".company img").count() == 0
    card.get_by_role("button", name="Dismiss").click()
    assert card.count() == 0
    assert room.sitting.terminal().typed == b""
    for _ in range(100):
        if Event.objects.filter(kind="console.message").exists():
            break
        time.sleep(0.05)
    assert Event.objects.get(kind="console.message").payload["text"] == text


def test_what_opens_later_appears_by_itself_and_a_closed_page_lets_go(room):
    room.instructor.page.goto(f"/attempts/{room.sitting.attempt.pk}/look/")
    room.instructor.page.get_by_text("Nothing is open on web now.").wait_for()
    assert "open_console" not in room.sitting.driver.calls
    room.trainee.work(room.sitting)
    room.instructor.page.locator("[data-look][data-state=open]").wait_for(timeout=15_000)


def test_on_a_phone_the_words_stand_above_the_first_line_and_the_screen_gives_way(room):
    room.trainee.page.set_viewport_size({"width": 390, "height": 800})
    room.trainee.work(room.sitting)
    page = room.trainee.page
    rows = "() => document.querySelector('.terminal').live.term.rows"
    page.wait_for_function(rows)
    before = page.evaluate(rows)
    room.look()
    room.instructor.page.get_by_label("Message to Tia").fill("Read the sudo rules first")
    room.instructor.page.get_by_role("button", name="Send").click()
    page.locator(".company__message").get_by_text("Read the sudo rules").wait_for()
    bottom = page.locator(".company").bounding_box()
    screen = page.locator(".terminal__screen").bounding_box()
    assert bottom["y"] + bottom["height"] <= screen["y"]
    page.wait_for_function(f"(before) => ({rows})() < before", arg=before)
    room.trainee.shot("company-phone")
    assert violations(page) == []
    page.get_by_role("button", name="Dismiss").click()
    room.instructor.page.close()
    page.wait_for_function(f"(before) => ({rows})() === before", arg=before)


@pytest.mark.parametrize("kind", ["look", "wall"])
def test_whoever_is_refused_for_good_is_told_so_and_asks_no_more(room, kind):
    """The page was still drawn; the right to it went before its socket was opened."""
    page = room.instructor.page
    attempt = room.sitting.attempt
    opened = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    page.route(f"**/js/{kind}.js*", lambda route: (lose_the_right(), route.continue_()))
    where = {"look": f"attempts/{attempt.pk}/look", "wall": f"exercises/{attempt.exercise_id}/wall"}

    def lose_the_right():
        Membership.objects.filter(role=Membership.Role.INSTRUCTOR).delete()
        # The browser calls from a context of its own, which has a connection of its own.
        connection.close()

    page.goto(f"/{where[kind]}/")
    page.locator(f"[data-{kind}][data-state=refused]").wait_for(timeout=30_000)
    told = page.locator(f"[data-{kind}-state]").inner_text()
    assert "You are signed out, or may no longer" in told
    tries = len(opened)
    assert tries >= 6
    page.wait_for_timeout(3_000)
    assert len(opened) == tries


def test_a_line_that_is_only_cut_goes_on_trying(room):
    page = room.instructor.page
    room.trainee.work(room.sitting)
    room.look()
    page.evaluate("""() => {
        const { line } = document.querySelector("[data-look]").look;
        line.shut = 100;
        line.closed({code: 1006, reason: ""});
    }""")
    page.locator("[data-look][data-state=open]").wait_for(timeout=20_000)


CLOSES = """(code) => {
    const page = document.querySelector("[data-look], [data-wall], .terminal");
    const { line } = page.look ?? page.wall ?? page.live;
    const { socket } = line;
    line.closed({code, reason: ""});
    clearTimeout(line.retry);
    if (socket) { socket.onclose = null; socket.close(); }
    const said = "[data-look-state], [data-wall-state], [data-console-state]";
    return page.querySelector(said).textContent;
}"""
# What no socket of a page is closed with: the wall is no console, and a trainee's own page opens
# what is not open.
NEVER = {
    "look": set(),
    "wall": {
        Close.NORMAL,
        Close.NOT_FOUND,
        Close.NOT_RUNNING,
        Close.ENDED,
        Close.NOT_OPEN,
        Close.CLOSED,
    },
    "work": {Close.NORMAL, Close.NOT_OPEN},
}


def test_every_reason_to_close_has_words_on_every_page(room):
    room.trainee.work(room.sitting)
    room.look()
    page = room.instructor.page
    said = {"look": {code: page.evaluate(CLOSES, int(code)) for code in Close}}
    page.goto(f"/exercises/{room.sitting.attempt.exercise_id}/wall/")
    tile(page, "Tia").wait_for()
    said["wall"] = {code: page.evaluate(CLOSES, int(code)) for code in Close}
    said["work"] = {code: room.trainee.page.evaluate(CLOSES, int(code)) for code in Close}
    lost = {
        where: {code for code, words in told.items() if "connection was lost" in words}
        for where, told in said.items()
    }
    assert lost == NEVER


def test_whoever_looks_reads_that_the_trainee_closed_the_terminal(room):
    room.trainee.work(room.sitting)
    page = room.trainee.page
    page.get_by_role("button", name="New terminal on web").click()
    page.locator('.terminal[data-label="web 2"][data-state=open]').wait_for()
    address = f"/attempts/{room.sitting.attempt.pk}/look/?machine=web&console=2"
    room.instructor.page.goto(address)
    room.instructor.page.locator("[data-look][data-state=open]").wait_for()
    page.keyboard.press("Control+Shift+X")
    page.get_by_role("dialog").get_by_role("button", name="Close web 2").click()
    room.instructor.page.get_by_text("The trainee closed this terminal.", exact=True).wait_for()
    room.instructor.shot("look-closed")
    assert violations(room.instructor.page) == []


def test_only_the_keyboard_is_needed(room):
    room.trainee.work(room.sitting)
    room.look()
    page = room.instructor.page
    page.locator("[data-look-screen] textarea").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.lookHands") == "look"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("[data-look][data-hands=along]").wait_for()
    # The terminal has the keys now; F6 leaves it.
    page.wait_for_function("() => document.activeElement.closest('[data-look-screen]') !== null")
    page.keyboard.press("F6")
    assert page.evaluate("document.activeElement.dataset.lookHands") == "look"
    page.keyboard.press("Enter")
    page.locator("[data-look][data-hands=look]").wait_for()


def a_class(sitting, names):
    """Further trainees at the same exercise, each with machines that run."""
    for name in names:
        trainee = person()
        trainee.display_name = name
        trainee.save()
        attempt = Attempt.objects.create(exercise=sitting.attempt.exercise, trainee=trainee)
        yield Desk(trainee, attempt, sandbox_of(attempt), sign_in(trainee))


def tile(page, name):
    return page.locator(".tile", has=page.get_by_role("link", name=name))


def test_the_wall_shows_everybody_and_leads_to_a_look(room):
    other, away = a_class(room.sitting, ["Bo Lind", "Cy Idle"])
    second = room.someone(other.cookie)
    room.trainee.work(room.sitting)
    second.work(other)
    page = room.instructor.page
    page.goto("/under-way/")
    page.get_by_role("link", name="Wall of A scenario").first.click()
    tile(page, "Tia").wait_for()
    room.trainee.type("whoami at Tia's")
    second.type("id at Bo's")
    tile(page, "Tia").get_by_text("whoami at Tia's").wait_for()
    tile(page, "Bo Lind").get_by_text("id at Bo's").wait_for()
    assert "Nothing open" in tile(page, "Cy Idle").inner_text()
    page.get_by_text("2 terminals open").wait_for()
    away.driver.sandboxes.clear()
    room.instructor.shot("wall")
    page.get_by_role("link", name="Bo Lind, web").click()
    page.locator("[data-look][data-state=open]").wait_for()
    room.instructor.shows("id at Bo's", LOOKS)
    assert room.instructor.problems == []


def test_a_full_screen_program_is_drawn_small_as_it_is(room):
    room.trainee.work(room.sitting)
    console = room.sitting.terminal().console
    console.print(b"left over\r\n\x1b[?1049h\x1b[H\x1b[2J\x1b[3;5Hin the editor\x1b[1;1H")
    room.trainee.shows("in the editor")
    page = room.instructor.page
    page.goto(f"/exercises/{room.sitting.attempt.exercise_id}/wall/")
    tile(page, "Tia").get_by_text("in the editor").wait_for()
    assert "left over" not in tile(page, "Tia").inner_text()
    lines = tile(page, "Tia").locator("pre").evaluate("pre => pre.textContent.split('\\n')")
    assert lines[2] == "    in the editor"


def test_an_empty_wall_says_what_to_expect(room):
    Attempt.objects.update(state=Attempt.State.GRADED)
    room.instructor.page.goto(f"/exercises/{room.sitting.attempt.exercise_id}/wall/")
    room.instructor.page.get_by_text("Nobody is at this exercise now").wait_for()
    room.instructor.shot("wall-empty")
    assert violations(room.instructor.page) == []


@pytest.mark.parametrize(("theme", "width"), looks())
def test_the_pages_are_accessible_in_every_state(room, theme, width):
    view = {"width": width, "height": 800}
    trainee = room.someone(room.sitting.cookie, color_scheme=theme, viewport=view)
    room.instructor = room.someone(room.cookie, color_scheme=theme, viewport=view)
    others = list(a_class(room.sitting, [f"Trainee {number}" for number in range(1, 8)]))
    trainee.work(room.sitting)
    trainee.type("ls -l /etc/sudoers.d")
    page = room.instructor.page
    page.goto(f"/exercises/{room.sitting.attempt.exercise_id}/wall/")
    tile(page, "Tia").get_by_text("sudoers.d").wait_for()
    assert len(others) == 7
    audit(room.instructor, f"wall-{theme}-{width}")
    room.look()
    for hands in ("look", "along", "over"):
        page.locator(f"button[data-look-hands={hands}]").click()
        page.locator(f"[data-look][data-hands={hands}]").wait_for()
        trainee.page.locator(f".terminal[data-company={hands}]").wait_for()
        audit(room.instructor, f"look-{hands}-{theme}-{width}")
        audit(trainee, f"company-{hands}-{theme}-{width}")


def audit(someone, name):
    someone.shot(name)
    assert violations(someone.page) == [], name
    assert someone.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
