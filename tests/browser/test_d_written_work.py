"""Written work: a trainee's report waits for an instructor, whose judgement settles the grade."""

import re

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def reported(chromium, site):
    """A finished attempt at clinic-portal, whose report nobody has judged yet."""
    site.manage("run_builder", "--once", "clinic-portal")
    trainee = Person(chromium, site, "trainee2")
    attempt = trainee.launch("clinic-portal")
    trainee.solve(attempt)
    trainee.type_line("echo all-$((1+1))")
    trainee.wait_for_text("^all-2$", seconds=120)
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
