"""An author's whole way, by real keys on a real range: from a first line to what comes back."""

import re
import zipfile

import pytest

from tests.browser.journey import FLAG, Person
from tests.browser.writing import (
    begin,
    line,
    look,
    number_of,
    open_file,
    state,
    take_out,
    write_at_end,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("browser"),
]
SLUG, TITLE = "paper-trail", "Paper trail"
PANEL = re.compile(r"/(trials|verifications)/[0-9a-f-]+/panel/")


@pytest.fixture(scope="module")
def author(chromium, site):
    site.begin("workshop")
    person = Person(chromium, site, "instructor")
    person.address = begin(person.page, SLUG)
    yield person
    assert person.troubles == []
    person.close()


@pytest.fixture
def page(author):
    return author.page


def at_draft(author):
    author.page.goto(author.address)
    state(author.page, "Saved")
    author.page.locator("#problems-title").wait_for()


def saved(page):
    state(page, "Saved")
    page.wait_for_function("() => !document.querySelector('.htmx-request')")


def test_a_mistake_stands_at_its_line_and_is_mended(author, page):
    errors = page.locator("#draft-errors")
    assert errors.is_hidden()
    write_at_end(page, "networks: [office]", "")
    page.keyboard.press("Backspace")
    page.keyboard.type("x]")
    problem = page.locator("[data-problem]", has_text="officex").first
    problem.wait_for()
    assert problem.get_attribute("data-line") == str(number_of(page, "networks: [officex]"))
    page.locator(".cm-lint-marker-error").first.wait_for()
    errors.get_by_text("2 errors").wait_for()
    page.get_by_text("What a trainee sees stands here again").wait_for(state="detached")
    take_out(page, "networks: [officex]", 2)
    page.keyboard.type("]")
    page.locator("[data-problem]").first.wait_for(state="detached")

    # A file that is no YAML at all says where it went wrong, in words.
    write_at_end(page, "estimated_minutes: 10", "\ntags: [paper")
    page.get_by_text("What is not finished begins in line").wait_for()
    page.get_by_text("What a trainee sees stands here again").wait_for()
    look(page, "walk-broken", phone=True)
    write_at_end(page, "tags: [paper", "]")
    page.locator("[data-problem]").first.wait_for(state="detached")
    errors.wait_for(state="hidden")
    page.get_by_role("heading", name="As a trainee sees it").wait_for()
    saved(page)


def test_every_save_is_seen_in_the_terminal_of_the_trial(author, page):
    asked = []
    page.on("request", lambda each: asked.append(each.url) if PANEL.search(each.url) else None)
    page.get_by_role("button", name="Try").click()
    page.wait_for_url(re.compile(r"/workshop/trials/"))
    author.wait_for_text(r"[$#] ?$", seconds=180)
    author.type_line("cat /srv/*.txt")
    author.wait_for_text(FLAG.pattern)
    # Nothing changes, so nothing is asked for.
    page.wait_for_timeout(500)
    before = len(asked)
    page.wait_for_timeout(4000)
    assert len(asked) - before <= 1
    look(page, "walk-trial", phone=True)

    runs = re.search(r"Revision (\d+) runs", page.locator("#sandbox-panel").inner_text())[1]
    with author.context.expect_page() as opened:
        page.get_by_role("link", name=re.compile("^The draft, in a window")).click()
    beside = opened.value
    state(beside, "Saved")
    seed = line(beside, 'text: "{{ flag_look }}')
    # Before the quotes, and then one step into them.
    seed.locator("span", has_text="{{ flag_look }}").last.click(position={"x": 1, "y": 8})
    beside.keyboard.press("ArrowRight")
    # All at once, so that it is one save and one revision.
    beside.keyboard.insert_text("Signed for: ")
    line(beside, 'text: "Signed for: {{ flag_look }}').wait_for()
    state(beside, "Saved")
    beside.close()
    page.get_by_text(re.compile(rf"^Revision (?!{runs} )\d+ runs$")).wait_for()
    author.wait_for_text(r"[$#] ?$")
    author.type_line("cat /srv/*.txt")
    author.wait_for_text("Signed for: FLAG")

    page.get_by_role("button", name="Carry out the reference").click()
    page.get_by_text("Every reference was carried out").wait_for()
    page.locator(".proving__objectives [aria-label='Met']").first.wait_for()
    page.get_by_role("button", name="End").click()
    page.get_by_text("You ended it.").wait_for()


def test_verification_is_followed_live_and_publishing_knows_of_it(author, page, site):
    at_draft(author)
    page.get_by_role("link", name="Publish…").click()
    page.get_by_text("Nothing has proved yet").wait_for()
    look(page, "walk-publish-unverified", phone=True)
    page.get_by_role("button", name="Verify first").click()
    page.wait_for_url(re.compile(r"/workshop/verifications/"))
    shown = page.url
    page.locator(".proving__mark .spinner").first.wait_for()
    page.get_by_text(re.compile(r"^[1-4] of 5 runs$")).wait_for()
    page.locator("#state-title").get_by_text("Passed", exact=True).wait_for(timeout=300_000)
    assert page.url == shown
    look(page, "walk-verified", phone=True)

    at_draft(author)
    page.get_by_role("link", name="Publish…").click()
    page.get_by_text("passed, as it is now").wait_for()
    assert page.get_by_role("button", name="Verify first").count() == 0
    page.get_by_role("button", name="Publish 0.1.0").click()
    page.get_by_role("heading", name="Versions").wait_for()
    site.manage("run_builder", "--once", SLUG)


def test_a_trainee_finds_it_and_solves_it(chromium, site, author):
    trainee = Person(chromium, site, "trainee")
    trainee.page.goto("/catalogue/?q=paper")
    trainee.page.get_by_role("link", name=TITLE).first.wait_for()
    trainee.launch(SLUG)
    trainee.type_line("cat /srv/*.txt")
    trainee.hand_in_flag("look")
    trainee.finish()
    trainee.page.get_by_role("heading", name="Passed").wait_for()
    assert trainee.troubles == []
    trainee.close()


def test_a_second_version_says_what_changed(author, page):
    at_draft(author)
    take_out(page, "version: 0.1.0", 1)
    page.keyboard.type("1")
    saved(page)
    open_file(page, "brief.md")
    page.keyboard.press("Control+End")
    page.keyboard.type("\nThe clerk says that **someone** signed for it.\n")
    saved(page)
    page.get_by_role("link", name="Changes").click()
    page.get_by_text("signed for it.").wait_for()
    look(page, "walk-changes", phone=True)
    page.goto(f"{author.address}history/")
    page.get_by_role("cell", name="Wrote brief.md").first.wait_for()
    page.goto(f"{author.address}publish/")
    page.get_by_role("heading", name="What changes since 0.1.0").wait_for()
    page.get_by_role("button", name="Publish 0.1.1").click()
    page.get_by_role("link", name="Changes from 0.1.0 to 0.1.1").click()
    page.get_by_text("version: 0.1.1").wait_for()


def test_it_is_retired_and_told_to_whom_it_matters(chromium, site, author, page):
    page.goto(f"/workshop/scenarios/{SLUG}/")
    page.get_by_role("link", name="Retire…").click()
    page.get_by_text("Nobody is at work on it now").wait_for()
    page.get_by_role("button", name="Retire it").click()
    page.get_by_role("button", name="Offer it again").wait_for()
    look(page, "walk-retired", phone=True)
    trainee = Person(chromium, site, "trainee")
    trainee.page.goto("/catalogue/?q=paper")
    trainee.page.locator("#catalogue-results").wait_for()
    assert trainee.page.locator("#catalogue-results").get_by_text(TITLE).count() == 0
    trainee.page.goto(f"/scenarios/{SLUG}/")
    trainee.page.get_by_text("No longer offered").wait_for()
    trainee.close()


def test_its_archive_goes_out_and_comes_back(author, page, tmp_path):
    page.goto(f"/workshop/scenarios/{SLUG}/")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download 0.1.1").click()
    archive = tmp_path / coming.value.suggested_filename
    coming.value.save_as(archive)
    with zipfile.ZipFile(archive) as opened:
        assert "Signed for" in opened.read(f"{SLUG}/scenario.yaml").decode()

    page.goto("/workshop/import/")
    page.get_by_label("What it is").select_option("ctfd")
    page.get_by_label("File").set_input_files(archive)
    page.get_by_role("button", name="Make a draft of it").click()
    page.get_by_text("It looks like a scenario of Muster: choose that.").wait_for()
    look(page, "walk-import-refused", phone=True)
    page.get_by_label("What it is").select_option("muster")
    page.get_by_label("File").set_input_files(archive)
    page.get_by_role("button", name="Make a draft of it").click()
    state(page, "Saved")
    page.get_by_text("This very content is published as version 0.1.1.").wait_for()
    # What the refusals answered is an answer, and no fault.
    author.troubles[:] = [each for each in author.troubles if "/workshop/import/" not in each]
