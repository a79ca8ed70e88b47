"""One trainee from sign-in to a skill, then an assessor from the skill to the moment behind it."""

import re

import pytest

from tests.browser.journey import Person, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]


def test_a_trainee_gets_from_the_catalogue_to_a_skill(chromium, site):
    trainee = Person(chromium, site, "trainee")
    page = trainee.page
    page.get_by_role("heading", name=re.compile("Start here: Sudo says")).wait_for()
    page.get_by_role("link", name="Open").click()
    page.get_by_role("heading", name="What you get").wait_for()
    attempt = trainee.launch("sudo-says")
    trainee.type_line("id -un")
    trainee.wait_for_text(r"^trainee$")
    assert trainee.take_a_hint().strip()
    trainee.solve(attempt)
    trainee.check_now(met=2)
    page.locator(".toast", has_text="Objective met").first.wait_for()
    trainee.finish()
    page.get_by_role("heading", name="Passed").wait_for()
    page.get_by_text("1 of them after a hint").wait_for()
    assert page.get_by_role("link", name=re.compile("^See the moment")).count() >= 2
    page.get_by_role("link", name="See my skills").click()
    row = page.get_by_role("row").filter(has_text="Escalate privilege").first
    assert "1 check" in row.inner_text()
    assert trainee.troubles == []
    site.finished = attempt
    trainee.close()


def test_an_assessor_gets_from_a_score_to_the_moment(chromium, site, finished):
    assessor = Person(chromium, site, "assessor")
    page = assessor.page
    page.get_by_role("link", name="Tomoko Reyes").first.click()
    open_evidence(page)
    page.get_by_role("link", name=re.compile("^Evidence")).first.click()
    page.locator("main", has_text="Sudo says").wait_for()
    page.get_by_role("link", name="See the moment").click()
    page.locator("[data-replay]").wait_for()
    assert "recording=" in page.url
    assert "FLAG{" not in page.locator("main").inner_text()
    assert violations(page) == []
    assert assessor.troubles == []
    assessor.close()


def open_evidence(page) -> None:
    row = page.get_by_role("row").filter(has_text="Escalate privilege").first
    row.wait_for()
    for summary in page.locator("summary", has_text="What it is, and the evidence").all():
        summary.click()
        if page.get_by_role("link", name=re.compile("^Evidence")).first.is_visible():
            return
