"""The README's first ten minutes, done literally: its command, its names, in its order.

The lines typed at the desk are those of the tutorial that the README leads to.
"""

import contextlib
import json
import os
import re
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person, choose
from tests.scenarios.test_step_by_step import PARTS, closing_lines, lines_of
from tests.scenarios.typing import IN_EDITOR, READY
from tests.support import browser
from tests.support.clone import Clone

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("whole-range"),
]
README = Path(__file__).resolve().parents[2] / "README.md"
PORT = 17660
# How the tutorial's table tells one desk from another, by what was seen there.
SEEN = [
    ("A pager", r"NOPASSWD: /usr/bin/less"),
    ("An editor", r"NOPASSWD: /usr/bin/nano"),
    ("A search path", r"!secure_path"),
    ("A variable", r"env_keep\+=PYTHONPATH"),
    ("A set-uid copy", r"^/usr/local/bin/\S+$"),
    ("A capability", r"^/usr/local\S+ cap_"),
    ("A script of root", r"^-rwxrwxrwx.* close\.sh$"),
    ("A star", r""),
]


@dataclass
class Running:
    """The range that the README's command started, as its pages and accounts are reached."""

    url: str
    accounts: dict[str, str]
    clone: Clone

    def log(self, role: str) -> str:
        """Return what a role has written so far."""
        return self.clone.log(role)


@dataclass
class Step:
    """One numbered step: what it writes in bold and as code, in its order."""

    text: str
    bold: list[str] = field(init=False)
    code: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.bold = re.findall(r"\*\*(.+?)\*\*", self.text)
        self.code = re.findall(r"`([^`]+)`", self.text)


@pytest.fixture(scope="module")
def steps():
    section = README.read_text(encoding="utf-8").split("## The first ten minutes")[1]
    numbered = re.findall(r"^\d+\. (.+)$", section.split("\n## ")[0], re.MULTILINE)
    return [Step(text) for text in numbered]


@pytest.fixture(scope="module")
def running(steps, tmp_path_factory):
    """Step 1: run the command and wait for the address and the accounts."""
    command, accounts_file = steps[0].code
    assert command == "bin/up"
    cloned = Clone(tmp_path_factory.mktemp("stranger") / "muster")
    started, seen = cloned.begin("--port", str(PORT))
    try:
        output = "".join(seen)
        assert f"http://localhost:{PORT}/" in output, output
        assert (cloned.folder / accounts_file).is_file()
        passwords = {each["username"]: each["password"] for each in cloned.accounts()}
        assert all(password in output for password in passwords.values())
        yield Running(f"http://localhost:{PORT}", passwords, cloned)
    finally:
        os.killpg(started.pid, signal.SIGINT)
        started.wait(60)
        started.stdout.close()
        cloned.remove()


@pytest.fixture(scope="module")
def chromium(running):
    with browser.chromium(PORT, PORT + 1) as opened:
        yield opened


def test_its_steps_lead_from_the_command_to_the_moment_behind_a_score(steps, running, chromium):
    assert len(steps) == 8
    trainee = Person(chromium, running, sign_in_name(steps[1]))
    page = trainee.page
    launch(trainee, steps[2])
    begin_with(trainee, steps[3])
    take(trainee, steps[4])
    solve(trainee, steps[5])
    skills = finish(trainee, steps[6])
    assert "1 check" in skills
    assert trainee.troubles == []
    page.locator("summary", has_text="Account of").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Password").wait_for()
    trainee.close()
    look_up(chromium, running, steps[7])


def test_work_survives_a_closed_browser_and_a_killed_database(running, chromium):
    before = Person(chromium, running, "trainee2")
    before.launch("sudo-says")
    before.type_line("kept=in-the-shell; echo shown-$((40+2))")
    before.wait_for_text("^shown-42$")
    # What was flushed is what survives; that happens each second.
    before.page.wait_for_timeout(1500)
    address = before.page.url
    before.close()
    roles = running.clone.roles()
    os.kill(next(pid for pid, text in roles.items() if "bin/postgres" in text), signal.SIGKILL)
    until_well(running.url)
    after = Person(chromium, running, "trainee2")
    after.page.goto(address)
    after.wait_for_text("^shown-42$")
    after.type_line('echo "[$kept]"')
    after.wait_for_text(r"^\[in-the-shell\]$")
    choose(after.page, "Stop the machines")
    after.page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    after.page.get_by_role("heading", name="The machines are stopped").wait_for()
    after.close()


def until_well(url):
    """Wait until every role says that it is well, as a monitor would."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urlopen(f"{url}/healthz", timeout=5) as reply:
            if json.load(reply)["status"] == "ok":
                return
        time.sleep(0.3)
    raise AssertionError("the range did not come back")


def sign_in_name(step):
    address, name = step.code
    assert address == "http://localhost:8000"
    return name


def launch(trainee, step):
    catalogue, title, button = step.bold
    page = trainee.page
    page.get_by_role("link", name=catalogue).first.click()
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_role("button", name=button).click()
    page.wait_for_url(re.compile("/attempts/"))
    trainee.wait_for_text(r"[$#] ?$")
    keep(page, "readme-launched")


def begin_with(trainee, step):
    (command,) = step.code
    type_and_wait(trainee, [command])
    trainee.wait_for_text("may run the following commands")


def take(trainee, step):
    assert step.bold == ["hint"]
    assert "what it costs before you take it" in step.text
    assert trainee.page.get_by_text("Your grade stays as it is").first.is_visible()
    assert trainee.take_a_hint().strip()


def solve(trainee, step):
    assert "Hand in the flag" in step.text
    type_and_wait(trainee, lines_of("1. Look around"))
    part = part_of(trainee.terminal_text())
    type_and_wait(trainee, lines_of(part))
    trainee.hand_in_flag(trainee.page.locator("li.objective").first.get_attribute("id")[10:])
    type_and_wait(trainee, [*lines_of("3. Close the way"), *closing_lines(part)])
    # "Its objective ticks by itself": nobody asks for a check.
    trainee.page.locator(".objective--met").nth(1).wait_for()
    keep(trainee.page, "readme-solved")


def finish(trainee, step):
    button, skills = step.bold
    assert button == "Finish"
    trainee.finish()
    keep(trainee.page, "readme-debrief")
    trainee.page.get_by_role("link", name=skills).first.click()
    row = trainee.page.get_by_role("row").filter(has_text="Escalate privilege").first
    row.wait_for()
    keep(trainee.page, "readme-skills")
    return row.inner_text()


def look_up(chromium, running, step):
    (name,), (people,) = step.code, step.bold
    assessor = Person(chromium, running, name)
    page = assessor.page
    page.get_by_role("link", name=people).first.click()
    page.get_by_role("link", name="Tomoko Reyes").first.click()
    open_evidence(page)
    page.get_by_role("link", name="See the moment").click()
    page.locator("[data-replay]").wait_for()
    keep(page, "readme-moment")
    assert assessor.troubles == []
    assessor.close()


def open_evidence(page):
    page.get_by_role("row").filter(has_text="Escalate privilege").first.wait_for()
    evidence = page.get_by_role("link", name=re.compile("^Evidence"))
    for summary in page.locator("summary", has_text="What it is, and the evidence").all():
        summary.click()
        if evidence.first.is_visible():
            break
    evidence.first.click()


def part_of(shown):
    """Find the desk in the tutorial's table."""
    part = next(name for name, seen in SEEN if re.search(seen, shown, re.MULTILINE))
    assert part in PARTS.values()
    return part


def type_and_wait(trainee, lines):
    """Type lines as a person does: each once the one before has ended."""
    for line in lines:
        at_rest = shown_by(trainee)
        for pressed, text in re.findall(r"\^([A-Z])|([^^]+)", line):
            if pressed:
                trainee.page.keyboard.press(f"Control+{pressed.lower()}")
            else:
                trainee.type_text(text)
        if not line.endswith("^X"):
            trainee.page.keyboard.press("Enter")
        wait_until_quiet(trainee, at_rest, in_editor=bool(IN_EDITOR.match(line)))


def shown_by(trainee):
    return trainee.terminal_text().rstrip("\n")


def wait_until_quiet(trainee, at_rest, *, in_editor):
    """Wait until what was typed has shown and ended: the prompt before it says nothing."""
    before = at_rest
    # Some desks do their work once a minute, and on a busy machine later.
    for _ in range(900):
        trainee.page.wait_for_timeout(1500 if in_editor else 400)
        shown = shown_by(trainee)
        if shown == before != at_rest and (in_editor or READY.search(shown + " ")):
            return
        before = shown
    raise AssertionError(f"no prompt came back; the terminal shows: {before}")
