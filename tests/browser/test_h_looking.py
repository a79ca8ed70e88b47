"""An instructor looks at, types in and takes over a real machine's terminal; then the replay."""

import re

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person, choose, violations
from tests.browser.test_b_pages import BREACH
from tests.support.waiting import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
PROVED = "probes.done"
LOOKED_AT = """() => {
    const buffer = document.querySelector("[data-look]")?.look?.term?.buffer.active;
    const rows = Array.from({length: buffer?.length ?? 0}, (_, at) => buffer.getLine(at));
    return rows.map((row) => row.translateToString(true)).join("\\n");
}"""
TYPED = """
from uuid import UUID
from range.console.services import others_who_typed, typed_commands
from range.exercises.models import Attempt
attempt = Attempt.objects.get(pk=UUID(values["attempt"]))
print([each.text for each in typed_commands(attempt)], others_who_typed(attempt))
"""
SIZES = [("light", 1280), ("dark", 800), ("light", 390)]


def looks(page, name, *, width_of=SIZES):
    """Keep pictures of a page as it is, and have each of them audited."""
    for theme, width in width_of:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(400)
        keep(page, f"{name}-{theme}-{width}")
        assert violations(page) == [], (name, theme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.fixture(scope="module")
def trainee(chromium, site):
    person = Person(chromium, site, "trainee2")
    person.attempt = person.launch("sudo-says")
    yield person
    person.close()


@pytest.fixture(scope="module")
def instructor(chromium, site):
    person = Person(chromium, site, "instructor")
    yield person
    person.close()


def sees(page, pattern):
    page.wait_for_function(
        f"([pattern]) => new RegExp(pattern, 'm').test(({LOOKED_AT})())", arg=[pattern]
    )


def types(page, line):
    page.locator("[data-look-screen] textarea").focus()
    page.keyboard.insert_text(line)
    page.keyboard.press("Enter")


def take(page, hands):
    page.locator(f"button[data-look-hands={hands}]").click()
    page.locator(f"[data-look][data-hands={hands}]").wait_for()


def typed(site, attempt, word):
    """Return what was typed once a word is among it: the console role writes it down later."""

    def told():
        found = site.ask(TYPED, attempt=attempt)
        return found if word in found else None

    return until(told, f"{word} was not written down", seconds=120)


def test_a_real_shell_is_looked_at_typed_along_in_taken_over_and_handed_back(
    trainee, instructor, site
):
    theirs, mine = trainee.page, instructor.page
    trainee.type_line("echo begun-$((1+1))")
    trainee.wait_for_text("^begun-2$")
    mine.goto(f"/attempts/{trainee.attempt}/look/")
    mine.locator("[data-look][data-state=open]").wait_for()
    sees(mine, "^begun-2$")
    theirs.locator(".terminal[data-company=look]").wait_for()

    take(mine, "along")
    types(mine, "echo along-$((1+2))")
    trainee.wait_for_text("^along-3$")
    looks(theirs, "company-along-real")

    take(mine, "over")
    theirs.locator(".terminal[data-company=over]").wait_for()
    trainee.type_line("echo lost-$((2+2))")
    types(mine, "echo taken-$((2+3))")
    assert "lost-4" not in trainee.wait_for_text("^taken-5$")
    looks(mine, "look-over-real")
    # The shell and whose keys count outlive the trainee's page.
    theirs.reload()
    trainee.wait_for_text("^taken-5$")
    theirs.locator(".terminal[data-company=over]").wait_for()
    trainee.type_line("echo lost-$((2+4))")
    looks(theirs, "company-over-real")

    take(mine, "look")
    theirs.locator(".terminal[data-company=look]").wait_for()
    trainee.type_line("echo mine-$((3+4))")
    assert "lost-6" not in trainee.wait_for_text("^mine-7$")
    sees(mine, "^mine-7$")
    told = typed(site, trainee.attempt, "mine-")
    assert "begun-" in told
    assert not re.search("along-|taken-|lost-", told)
    assert "Ines" in told or "nstructor" in told
    assert (trainee.troubles, instructor.troubles) == ([], [])


def test_the_wall_of_a_real_class(trainee, instructor):
    page = instructor.page
    page.goto("/under-way/")
    page.get_by_role("link", name="Wall of Sudo says").first.click()
    page.locator(".tile", has_text="mine-7").wait_for()
    looks(page, "wall-real")


def test_two_consoles_are_replayed_on_one_line(trainee, instructor, site):
    page = trainee.page
    page.get_by_role("button", name=re.compile("^New terminal on")).click()
    page.locator('.terminal[data-console-id="2"][data-state=open]').wait_for()
    trainee.type_line("echo second-$((4+4))")
    trainee.wait_for_text("^second-8$")
    # What a command showed is in the recording before the command is among those typed.
    typed(site, trainee.attempt, "second-")
    for person, name in ((trainee, "replay-two-own"), (instructor, "replay-two")):
        person.page.goto(f"/attempts/{trainee.attempt}/replay/")
        person.page.locator("[data-replay][data-ready=yes]").wait_for()
        person.page.locator("[data-replay-lane]").last.click()
        person.page.locator("[data-replay-seek]").focus()
        person.page.keyboard.press("End")
        person.page.locator(".replay__screen .xterm-rows").get_by_text("second-8").wait_for()
        looks(person.page, name)


def test_machines_that_are_waited_for_and_machines_that_are_refused(chromium, site):
    person = Person(chromium, site, "trainee")
    page = person.page
    proofs = site.log("reconciler").count(PROVED)
    site.kill("reconciler")
    try:
        page.goto("/scenarios/sudo-says/")
        page.locator("#launch-panel").get_by_role("button", name="Launch").click()
        page.wait_for_url(re.compile(r"/attempts/"))
        page.locator("#sandbox-panel[data-state=REQUESTED]").wait_for()
        looks(page, "workspace-waiting")
    finally:
        site.begin("reconciler")
    person.wait_for_text(r"[$#] ?$")

    workspace = page.url
    page.goto(f"{workspace}tutor/")
    page.locator(".offer").wait_for()
    looks(page, "tutor-offer")
    page.goto(workspace)

    # What it proves first of all would write over what is written here.
    until(lambda: site.log("reconciler").count(PROVED) > proofs, "no proof", seconds=400)
    file = site.state_dir / "probes.json"
    before = file.read_bytes()
    site.ask(BREACH)
    try:
        choose(page, "Reset the machines")
        page.get_by_role("dialog").get_by_role("button", name="Reset").click()
        page.locator("#sandbox-panel[data-state=FAILED]").wait_for()
        looks(page, "workspace-refused")
    finally:
        file.write_bytes(before)
    person.close()
