"""A class from the first cohort to the last minute: an instructor and somebody new."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person, violations
from tests.support.looks import looks

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
PASSWORD = "steep-lantern-orbit"


class Newcomer(Person):
    """Somebody who comes by a link and has no account yet."""

    def __init__(self, browser, site, link, **context):
        self._link = link
        super().__init__(browser, site, "newcomer", **context)

    def _sign_in(self, name):
        page = self.page
        page.goto(self._link)
        look(page, "join")
        for label, text in (
            ("Your name", "Nadia Newcomer-Featherstonehaugh"),
            ("Username", name),
            ("Password", PASSWORD),
            ("Password once more", PASSWORD),
        ):
            page.get_by_label(label, exact=True).fill(text)
        page.get_by_role("button", name="Make the account and join").click()
        page.get_by_role("heading", name="Assigned to you").or_(
            page.get_by_role("heading", name="Catalogue")
        ).first.wait_for()


def look(page, name):
    """Keep a picture of a page in each theme and width, and have it audited."""
    for theme, width in looks():
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        keep(page, f"{name}-{theme}-{width}")
        assert violations(page) == [], (name, theme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.fixture(scope="module")
def instructor(chromium, site):
    person = Person(chromium, site, "instructor")
    yield person
    person.close()


@pytest.fixture(scope="module")
def link(instructor):
    """Make a cohort and a link into it, as an instructor would."""
    page = instructor.page
    page.get_by_role("link", name="Teaching").click()
    page.get_by_label("New cohort").fill("Browser cohort")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("heading", name="Browser cohort").wait_for()
    page.get_by_role("button", name="Make a link").click()
    made = page.locator("code.once").inner_text()
    look(page, "cohort-with-link")
    return made


@pytest.fixture(scope="module")
def exercise(instructor, link):
    """Assign a scenario to the cohort, open from now."""
    page = instructor.page
    page.get_by_role("link", name="Assign an exercise").click()
    page.get_by_role("heading", name="Assign an exercise").wait_for()
    page.get_by_label("Scenario", exact=True).select_option(
        label=option(page, "Scenario", "Sudo says")
    )
    page.get_by_label("Cohort", exact=True).select_option(label="Browser cohort")
    page.get_by_label("Time zone of the times below").select_option("UTC")
    soon = datetime.now(UTC) + timedelta(days=2)
    page.get_by_label("Closes", exact=True).fill(soon.strftime("%Y-%m-%dT%H:%M"))
    look(page, "assign")
    page.get_by_role("button", name="Assign").click()
    page.get_by_role("heading", name="At work", exact=True).wait_for()
    return page.url


def option(page, label, start):
    texts = page.get_by_label(label, exact=True).locator("option").all_inner_texts()
    return next(text for text in texts if text.startswith(start))


@pytest.fixture(scope="module")
def newcomer(chromium, site, exercise, link):
    person = Newcomer(chromium, site, link)
    yield person
    person.close()


def test_a_class_from_link_to_extension(instructor, newcomer, exercise):
    theirs, mine = newcomer.page, instructor.page
    look(theirs, "catalogue-assigned")
    theirs.get_by_role("link", name="Sudo says").first.click()
    theirs.get_by_text("Closes", exact=True).wait_for()
    theirs.get_by_role("button", name="Launch").click()
    theirs.wait_for_url(re.compile(r"/attempts/"))
    newcomer.wait_for_text(r"[$#] ?$")

    mine.goto(exercise)
    row = mine.get_by_role("row").filter(has_text="Nadia")
    row.get_by_text("running").wait_for()
    look(mine, "exercise")
    mine.get_by_label("Message").fill("Ten minutes <b>left</b>.")
    mine.get_by_role("button", name="Send to everybody").click()
    mine.get_by_text("Shown to 1 trainee").wait_for()

    told = theirs.get_by_role("region", name="From your instructor")
    told.get_by_text("Ten minutes <b>left</b>.").wait_for()
    keep(theirs, "workspace-message")
    assert violations(theirs) == []

    before = theirs.locator("[data-clock] time").get_attribute("datetime")
    row.get_by_role("button", name="Extend").click()
    mine.get_by_text("1 trainee got more time").wait_for()
    told.get_by_text("Your instructor extended your time").wait_for()
    theirs.wait_for_function(
        "before => document.querySelector('[data-clock] time').dateTime !== before", arg=before
    )

    told.get_by_role("button", name="Put this message away").first.click()
    told.get_by_text("Your instructor extended your time").wait_for(state="detached")
    assert told.get_by_text("Ten minutes").is_visible()

    mine.get_by_role("link", name="Nadia").click()
    look(mine, "exercise-trainee")
    mine.get_by_role("link", name="Finish…").click()
    look(mine, "steer-confirm")
    mine.get_by_role("button", name="Finish the attempt").click()
    mine.get_by_text("1 trainee had the attempt finished").wait_for()
    told.get_by_text("Your instructor finished this attempt").wait_for()
    assert newcomer.troubles == []
    assert instructor.troubles == []


def test_a_list_of_people_is_previewed_written_and_signed_in_with(chromium, site, instructor, link):
    page = instructor.page
    page.goto("/teaching/")
    look(page, "teaching")
    page.get_by_role("link", name="Browser cohort").first.click()
    page.get_by_role("link", name="Add from a file").click()

    def choose(text):
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}
        page.locator("#file").set_input_files(files=[file])
        page.get_by_role("button", name="Show what would happen").click()

    choose("username,name\nlina,Lina\nlina,Twice\ninstructor,Mine\n")
    page.get_by_text("This username is taken").wait_for()
    look(page, "people-problems")
    choose("username,name\nlina,Lina Listed\n")
    page.get_by_role("button", name="Write all 1").click()
    password = page.locator("td code").inner_text()
    look(page, "people-written")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the passwords as CSV").click()
    assert password in saved.value.path().read_text()

    context = chromium.new_context(base_url=site.url)
    theirs = context.new_page()
    theirs.goto("/skills/")
    theirs.get_by_label("Name").fill("lina")
    theirs.get_by_label("Password").fill(password)
    theirs.get_by_role("button", name="Sign in").click()
    theirs.get_by_role("heading", name="Choose a password").wait_for()
    look(theirs, "choose-password")
    theirs.get_by_label("New password").fill(PASSWORD)
    theirs.get_by_label("Once more").fill(PASSWORD)
    theirs.get_by_role("button", name="Keep it and go on").click()
    theirs.wait_for_url("**/skills/")
    context.close()


def test_a_withdrawn_link_says_so(chromium, site, instructor, link):
    page = instructor.page
    page.goto("/teaching/")
    page.get_by_role("link", name="Browser cohort").first.click()
    page.get_by_role("button", name=re.compile("^Withdraw")).click()
    page.get_by_text("The link is withdrawn").wait_for()
    context = chromium.new_context(base_url=site.url)
    theirs = context.new_page()
    theirs.goto(link)
    theirs.get_by_text("was withdrawn by your instructor").wait_for()
    context.close()
