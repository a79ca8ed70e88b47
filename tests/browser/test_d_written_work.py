"""Written work and the tutor: an instructor sees what a trainee asks, steers, judges, corrects."""

import re

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
QUESTION = "Where do I see whose document a number belongs to? <b>Please</b>"
REASON = "The remedy names the cause too; I had missed line seven."


def look(page, name):
    """Keep a picture of a page in each theme and width, and have it audited."""
    for theme, width in looks(narrow=390):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        # What is half under the frame's head would be judged too small to press.
        page.evaluate("scrollTo(0, 0)")
        keep(page, f"{name}-{theme}-{width}")
        assert violations(page) == [], (name, theme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.fixture(scope="module")
def reported(chromium, site):
    """A finished attempt at clinic-portal, whose report nobody has judged yet."""
    site.manage("run_builder", "--once", "clinic-portal")
    trainee = Person(chromium, site, "trainee2")
    attempt = trainee.launch("clinic-portal")
    trainee.take_a_hint()
    trainee.page.get_by_label("Your question").fill(QUESTION)
    trainee.page.get_by_role("button", name="Ask", exact=True).click()
    trainee.page.get_by_text(QUESTION).first.wait_for()
    trainee.solve(attempt)
    trainee.type_line("echo all-$((1+1))")
    trainee.wait_for_text("^all-2$")
    trainee.check_now(met=5)
    trainee.finish()
    yield trainee
    assert trainee.troubles == []
    trainee.close()


def test_a_report_waits_and_the_grade_says_so(reported):
    page = reported.page
    page.get_by_text("Provisional").wait_for()
    page.get_by_text(re.compile(r"of your written work wait")).wait_for()
    page.locator(".proof", has_text="Waits for a person").wait_for()
    keep(page, "debrief-provisional")
    assert violations(page) == []


def test_an_instructor_finds_where_the_class_is_stuck_and_opens_a_hint(chromium, site, reported):
    instructor = Person(chromium, site, "instructor")
    page = instructor.page
    page.get_by_role("link", name="Teaching").first.click()
    page.get_by_role("link", name="Tutor", exact=True).click()
    page.get_by_role("heading", name="Tutor", exact=True).wait_for()
    look(page, "tutor-exercises")
    page.get_by_role("row", name="Clinic portal everybody").get_by_role("link").first.click()
    page.get_by_role("heading", name="Where they need help").wait_for()
    page.locator("#tutor-lately").get_by_role("link", name=QUESTION).wait_for()
    look(page, "tutor-class")
    page.locator("#stuck-title").locator("xpath=../..").get_by_role("link").first.click()
    page.get_by_role("heading", name="Hints", exact=True).first.wait_for()
    look(page, "tutor-hints")
    page.get_by_role("link", name=QUESTION).click()
    page.get_by_role("heading", name="What the tutor saw").wait_for()
    page.locator(".passage").first.wait_for()
    page.locator("#said-title").wait_for()
    assert page.locator(".badge", has_text=re.compile("Author|guard")).count()
    assert page.locator(".said__question b").count() == 0
    look(page, "tutor-hint")
    page.get_by_label("Note").fill("Explained object-level authorisation in class.")
    page.get_by_role("button", name="Keep the note").press("Enter")
    page.get_by_text("Explained object-level authorisation in class.").wait_for()
    assert instructor.troubles == []
    instructor.close()


def test_an_instructor_sets_the_tutor_of_an_exercise(chromium, site, reported):
    instructor = Person(chromium, site, "instructor")
    page = instructor.page
    page.goto("/teaching/tutor/")
    page.get_by_role("row", name="Clinic portal everybody").get_by_role("link").first.click()
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_label("Words to avoid").fill("x")
    page.get_by_role("button", name="Keep the settings").click()
    page.get_by_text("Nothing was changed yet").wait_for()
    look(page, "tutor-settings-refused")
    page.get_by_label("Words to avoid").fill("burp suite")
    page.get_by_label("Highest rung").select_option("2")
    page.get_by_label("On, and counted").check()
    look(page, "tutor-settings")
    page.get_by_role("button", name="Keep the settings").press("Enter")
    page.get_by_text("It holds from the next hint on").wait_for()
    page.get_by_text("On, and counted").wait_for()
    assert [trouble for trouble in instructor.troubles if "422" not in trouble] == []
    instructor.close()


def test_an_instructor_judges_and_the_grade_is_final(chromium, site, reported):
    instructor = Person(chromium, site, "instructor")
    page = instructor.page
    page.get_by_role("link", name="Review").first.click()
    page.get_by_role("table").first.wait_for()
    keep(page, "review-queue-waiting")
    page.get_by_role("link", name="Sam Okonkwo").or_(page.locator("tbody th a")).first.click()
    decided = 0
    while page.locator("#waiting-title").count() == 0:
        page.get_by_role("heading", name="The report").wait_for()
        if not decided:
            keep(page, "review-item")
            assert violations(page) == []
        page.get_by_role("radio").last.check()
        page.get_by_label("Note to the trainee").fill("Clear, and every finding has its proof.")
        page.get_by_role("button", name="Record and go on").click()
        page.wait_for_load_state()
        decided += 1
    assert decided >= 2
    page.get_by_text("Nothing waits for you").wait_for()
    assert instructor.troubles == []
    instructor.close()
    page = reported.page
    page.reload()
    page.get_by_text("Final", exact=True).wait_for()
    page.get_by_text("Clear, and every finding has its proof.").first.wait_for()
    keep(page, "debrief-judged")


def test_a_correction_needs_a_reason_and_the_trainee_reads_both(chromium, site, reported):
    instructor = Person(chromium, site, "instructor")
    page = instructor.page
    page.goto("/review/")
    page.locator("#decided-title").wait_for()
    page.get_by_role("link", name=re.compile("see or correct the decision")).first.click()
    page.get_by_role("radio").first.check()
    page.get_by_label("Why you correct it").fill(REASON)
    look(page, "review-item-decided")
    page.get_by_role("button", name="Record the correction").press("Enter")
    page.wait_for_url("**/review/")
    look(page, "review-queue")
    page.get_by_role("link", name="How far models agree with people").click()
    page.get_by_text("Nothing is measured yet").wait_for()
    look(page, "review-agreement")
    assert instructor.troubles == []
    instructor.close()
    page = reported.page
    page.reload()
    page.get_by_text(REASON).first.wait_for()
    page.get_by_text("Before the correction").first.wait_for()
    # The tutor's account is written anew by the worker, with the hints that are counted now.
    page.get_by_role("heading", name="Hints you took").wait_for()
    look(page, "debrief-corrected")
