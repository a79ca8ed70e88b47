"""Bytes that reach beyond the terminal: live, looked at, on a wall, replayed."""

import re

import pytest

from range.console.cast import Event
from tests.console.recordings import add
from tests.console.test_browser import chromium_place
from tests.console.test_looking_browser import room  # noqa: F401  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVIL = "evil.example"
# What nothing may come of: no title, clipboard, window, file, picture, request or key.
INERT = [
    "\x1b]0;owned\x07",
    "\x1b]1;owned\x07",
    "\x1b]2;owned\x1b\\",
    "\x1b]l owned\x1b\\",
    # Reports of the title, of the icon's label, of window and screen.
    *(f"\x1b[{what}t" for what in (11, 13, 14, 15, 16, 18, 19, 20, 21)),
    # Iconified, moved, resized, raised, maximised, on the whole screen.
    "\x1b[2t",
    "\x1b[3;0;0t",
    "\x1b[4;9;9t",
    "\x1b[5t",
    "\x1b[8;500;500t",
    "\x1b[9;1t",
    "\x1b[10;1t",
    "\x1b[22;0t",
    "\x1b[23;0t",
    "\x1b[200t",
    "\x1b]52;c;b3duZWQ=\x07",
    "\x1b]52;p;b3duZWQ=\x1b\\",
    "\x1b]52;c;?\x07",
    "\x1b]52;c;!\x07",
    "\x1b]50;?\x07",
    "\x1b]50;#+100\x07",
    "\x1b]7;file://evil.example/\x07",
    "\x1b]9;owned\x07",
    "\x1b]777;notify;owned;owned\x07",
    "\x1b]99;i=1;owned\x1b\\",
    "\x1b]1337;File=name=b3duZWQ=;inline=1;size=5:b3duZWQ=\x07",
    "\x1b]1337;CopyToClipboard=\x07owned\x1b]1337;EndCopy\x07",
    "\x1b]1337;ReportCellSize\x07",
    "\x1b]1337;OpenURL=:aHR0cDovL2V2aWwuZXhhbXBsZQ==\x07",
    "\x1b]633;E;owned\x07",
    "\x1b]697;owned\x07",
    "\x1b]3008;start=owned\x1b\\",
    "\x1b]66;s=7;owned\x07",
    # An answer that the machine chose, and one that it asks the terminal to define.
    "\x05",
    "\x1bP1;0|17/6f776e6564\x1b\\",
    "\x1bP+q544e;436f\x1b\\",
    "\x1bP+p6f776e6564\x1b\\",
    "\x1bP0;1;0q#0;2;0;0;0#0~~@@vv\x1b\\",
    "\x1bP=1s\x1b\\",
    "\x1bP>|owned\x1b\\",
    "\x1b_Ga=T,f=100,t=f;L2V0Yy9wYXNzd2Q=\x1b\\",
    "\x1b^owned\x1b\\",
    "\x1bXowned\x1b\\",
    "\x1b[5i",
    "\x1b[4i",
    "\x1b[?5i",
    # Eight-bit forms of the same, and sequences in which others hide.
    "\x9d0;owned\x9c",
    "\x9d52;c;b3duZWQ=\x9c",
    "\x9b21t",
    "\x90+q544e\x9c",
    "\x1b]0;\x1b]52;c;b3duZWQ=\x07",
    "\x1b]0;owned\x18\x1b]2;owned\x1a",
    "\x1bP\x1b]0;owned\x07\x1b\\",
    # Text that is markup elsewhere, and text that is read in another order.
    f"<img src=//{EVIL}/x onerror=document.title='owned'><script>document.title='owned'</script>",
    f'\x1b]0;<img src=//{EVIL}/x>\x07\x1b]8;;"><img src=//{EVIL}/y>\x07x\x1b]8;;\x07',
    "\u202eowned\u202c \u2066\u200b\ufeff\u00ad\U000e0041",
    "é" + "\u0301" * 500,
    # As large as numbers get: a terminal that counted them all would stop the page.
    "\x1b[99999999I\x1b[99999999Z\x1b[99999999P\x1b[99999999X",
    "\x1b[999999999b",
    "\x1b[2147483648;2147483648H",
    "\x1b[99999999L\x1b[99999999M\x1b[99999999@",
    "\x1b[" + "9;" * 5000 + "m",
    "\x1b[38:2:" + "1:" * 300 + "m",
    "\x1b]4;" + "1;red;" * 2000 + "\x07",
    "\x1b]8;id=" + "a" * 5000 + ";http://x/\x07y\x1b]8;;\x07",
    "\x1b[99999999S\x1b[99999999T",
]
# Ends whatever was left open, then says that all of it was read.
LAST = "\x18\x1b\\\x07\x1bc harmless \r\n"
CORPUS = "".join(INERT) + "\x1b]0;" + "A" * 300_000 + LAST
# What a terminal answers, with words of its own and none of the machine's.
QUERIES = (
    "\x1b]0;; rm -rf ~\r\x07\x1b]4;1;rgb:aa/bb/cc\x07"
    "\x1b[c\x1b[>c\x1b[=c\x1b[5n\x1b[6n\x1b[?6n\x1b[>q\x1b[?1$p\x1b[4$p\x1bP$qm\x1b\\"
    "\x1bP$q; rm -rf ~\r\x1b\\\x1b]4;1;?\x07\x1b]10;?\x07\x1b]11;?\x07\x1b]12;?\x07"
)
ANSWER = re.compile(
    rb"\x1b\[[?>=]?[\d;]*(?:\$y|[cnR])|\x1bP[01]\$r[\d;]*m?\x1b\\"
    rb"|\x1b\](?:4;\d+|1[0-2]);rgb:[\da-f/]+(?:\x07|\x1b\\)|\x1bP>\|xterm\.js\([\d.a-z-]+\)\x1b\\"
)
LINKS = {
    "javascript:document.title='owned'": False,
    "data:text/html,<script>alert(1)</script>": False,
    "file:///etc/passwd": False,
    "ssh://evil.example/": False,
    "vbscript:owned": False,
    "//evil.example/": False,
    "blob:http://localhost/1": False,
    "https://evil.example/?a=<b>": True,
}
# Notes whatever a page could be made to do.
WATCHED = """
window.reached = [];
const note = (what) => (...given) => { window.reached.push([what, String(given[0])]); };
for (const name of ["write", "writeText", "read", "readText"]) {
    Object.defineProperty(navigator.clipboard, name, { value: async (...g) => note(name)(...g) });
}
document.execCommand = note("execCommand");
window.open = note("open");
window.print = note("print");
window.Notification = class { constructor(title) { note("Notification")(title); } };
for (const name of ["moveTo", "moveBy", "resizeTo", "resizeBy", "alert", "confirm", "prompt"]) {
    window[name] = note(name);
}
"""


class Watch:
    """Everything that a page must not do because of what a terminal printed."""

    def __init__(self, page, url):
        self.page, self.happened = page, []
        page.add_init_script(WATCHED)
        page.on("dialog", lambda dialog: (self.happened.append("dialog"), dialog.dismiss()))
        page.on("download", lambda _: self.happened.append("download"))
        page.on("pageerror", lambda error: self.happened.append(str(error)))
        page.context.on("page", lambda opened: self.happened.append(opened.url))
        page.on("request", lambda asked: self._asked(asked.url, url))

    def _asked(self, address, own):
        origins = (own, own.replace("http", "ws"), "ws://localhost:", "data:", "blob:")
        if not address.startswith(origins):
            self.happened.append(address)

    def begin(self):
        self.before = (self.page.title(), self.page.url)

    def check(self):
        self.page.wait_for_timeout(300)
        assert (self.page.title(), self.page.url) == self.before
        assert self.page.evaluate("window.reached") == []
        assert self.happened == []
        made = ".xterm img, .xterm script, .xterm a, .xterm iframe, .tile img, .tile script"
        assert self.page.locator(made).count() == 0


@pytest.fixture
def place(console_role, settings, monkeypatch):
    with chromium_place(settings, monkeypatch) as made:
        yield made


def pieces(text, length):
    return [text[at : at + length] for at in range(0, len(text), length)]


def in_pieces(console, text):
    data = text.encode()
    for at in range(0, len(data), 4093):
        console.print(data[at : at + 4093])


@pytest.mark.timeout(120)
def test_live_nothing_comes_of_it(place):
    watch = Watch(place.page, place.url)
    place.workspace()
    watch.begin()
    in_pieces(place.sitting.terminal().console, CORPUS)
    place.shows("harmless")
    place.type("a")
    place.until(lambda: place.sitting.terminal().typed)
    watch.check()
    assert place.sitting.terminal().typed == b"a"
    assert place.problems == []


def test_live_questions_are_answered_without_a_word_of_the_machine(place):
    place.workspace()
    place.sitting.terminal().console.print(QUERIES.encode() + LAST.encode())
    place.shows("harmless")
    place.page.wait_for_timeout(500)
    typed = place.sitting.terminal().typed
    assert ANSWER.sub(b"", typed) == b""
    assert typed.count(b"\x1b[?") >= 1


@pytest.mark.parametrize(("address", "opens"), LINKS.items())
def test_a_link_leads_only_to_the_web_and_asks_first(place, address, opens):
    watch = Watch(place.page, place.url)
    place.workspace()
    watch.begin()
    link = f"\x1b[2J\x1b[3;1H\x1b]8;;{address}\x1b\\{'click here ' * 5}\x1b]8;;\x1b\\ harmless\r\n"
    place.sitting.terminal().console.print(link.encode())
    place.shows("harmless")
    box = place.page.locator(".terminal__screen .xterm-screen").first.bounding_box()
    rows = place.page.evaluate("document.querySelector('.terminal').live.term.rows")
    spot = (box["x"] + 60, box["y"] + box["height"] / rows * 2.5)
    place.page.mouse.move(*spot)
    place.page.wait_for_timeout(200)
    place.page.mouse.click(*spot)
    dialog = place.page.get_by_role("dialog", name="Open this link?")
    if not opens:
        place.page.wait_for_timeout(300)
        assert not dialog.is_visible()
        watch.check()
        return
    dialog.wait_for()
    assert "https://evil.example/?a=%3Cb%3E" in dialog.inner_text()
    dialog.get_by_role("button", name="Do not open it").click()
    watch.check()
    place.page.mouse.move(spot[0] + 30, spot[1])
    place.page.mouse.click(spot[0] + 30, spot[1])
    dialog.get_by_role("button", name="Open it", exact=True).click()
    place.page.wait_for_function("() => window.reached.length")
    assert place.page.evaluate("window.reached") == [["open", "https://evil.example/?a=%3Cb%3E"]]


def test_a_paste_cannot_end_itself_and_go_on_typing(place):
    place.workspace()
    place.sitting.terminal().console.print(b"\x1b[?2004h ready for pastes\r\n")
    place.shows("ready for pastes")
    place.paste("harmless\x1b[201~\rrm -rf ~\r\x03\x9b201~\x7f\tend")
    place.until(lambda: place.sitting.terminal().typed.endswith(b"\x1b[201~"))
    typed = place.sitting.terminal().typed
    assert typed == b"\x1b[200~harmless[201~\rrm -rf ~\r201~\tend\x1b[201~"


@pytest.mark.timeout(240)
def test_looked_at_and_on_a_wall_nothing_comes_of_it(room):  # noqa: F811
    room.trainee.work(room.sitting)
    look, page = room.instructor, room.instructor.page
    watch = Watch(page, room.url)
    room.look()
    watch.begin()
    console = room.sitting.terminal().console
    before = bytes(room.sitting.terminal().typed)
    in_pieces(console, "".join(INERT) + LAST + QUERIES + LAST)
    page.wait_for_function(f"() => {LOOKED}.includes('harmless')", timeout=60_000)
    watch.check()
    page.goto(f"/exercises/{room.sitting.attempt.exercise_id}/wall/")
    page.get_by_text("harmless").first.wait_for()
    watch.begin()
    # A wall gets at most 16 KiB a second of one console: slowly enough, and it gets everything.
    for piece in pieces("".join(INERT), 8000):
        console.print(piece.encode())
        page.wait_for_timeout(1200)
    console.print(f"{LAST}{QUERIES} and more of it".encode())
    page.get_by_text("and more of it").first.wait_for()
    watch.check()
    assert look.problems == []
    # Only the trainee's own page answers, and each question once.
    typed = room.sitting.terminal().typed[len(before) :]
    assert ANSWER.sub(b"", typed) == b""
    assert typed.count(b"\x1b[0n") == 2


LOOKED = (
    "Array.from({length: 40}, (_, y) => document.querySelector('[data-look]').look.term"
    ".buffer.active.getLine(y)?.translateToString(true) ?? '').join()"
)


@pytest.mark.timeout(120)
def test_replayed_nothing_comes_of_it(place):
    text = CORPUS + QUERIES + LAST
    cuts = pieces(text, 1009)
    events = [Event(at * 20, "o", piece) for at, piece in enumerate(cuts)]
    add(place.sitting, [*events, Event(len(cuts) * 20, "r", "9999999x-3\x1b]0;owned\x07")])
    watch = Watch(place.page, place.url)
    place.page.goto(f"{place.url}/attempts/{place.sitting.attempt.pk}/replay/")
    place.page.locator("[data-replay][data-ready=yes]").wait_for()
    watch.begin()
    player = "document.querySelector('[data-replay]').player"
    place.page.evaluate(f"{player}.tape.ready")
    for share in (0.1, 0.9, 0.3, 1):
        place.page.evaluate(f"(share) => {player}.to({player}.ends * share)", share)
    lines = place.page.locator(".replay__screen .xterm-rows")
    lines.get_by_text("harmless").wait_for()
    watch.check()
    assert place.problems == []
    assert place.sitting.driver.calls.count("open_console") == 0
