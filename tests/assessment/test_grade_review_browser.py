"""A grade taken apart in Chromium: from a mark in the class's table to what the trainee reads."""

import pytest
from playwright.sync_api import expect

from range.assessment import services
from range.assessment.models import Evidence
from range.exercises.models import Attempt
from range.exercises.services import finish
from tests.support.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WHY = "The file was gone when I looked; the check came a moment too early."


@pytest.fixture
def graded(given, attempt, handle, driver, hand_in, flag):
    """An attempt of the class, graded with its hole open, whose report was decided."""
    Attempt.objects.filter(pk=attempt.pk).update(exercise=given)
    attempt.refresh_from_db()
    hand_in(flag())
    hand_in("red", check="colour")
    finish(attempt.pk, reason="finished", actor="range")
    services.collect(attempt, driver)
    services.grade(attempt)
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.GRADED)
    return attempt


@pytest.fixture
def visit(graded, settings, console_role, monkeypatch):
    with visiting(settings, monkeypatch) as send:
        yield send


def test_a_mark_opens_its_checks_and_a_check_can_be_overruled(visit, graded, given, instructor):
    visitor = visit(instructor)
    page = visitor.page
    page.goto(f"/teaching/exercises/{given.pk}/")
    page.get_by_role("link", name="not met yet").first.click()
    page.get_by_role("heading", name="Close it").wait_for()
    assert "#objective-mend" in page.url
    visitor.looks("grade-review")

    page.locator("#check-mend-gone summary", has_text="Judge it otherwise").focus()
    page.keyboard.press("Enter")
    form = page.locator("#check-mend-gone form")
    form.get_by_label("Met", exact=False).first.check()
    form.get_by_label("Reason").fill(WHY)
    visitor.looks("grade-review-open")
    form.get_by_role("button", name="Record").click()
    page.get_by_text("Overruled: gone").wait_for()
    expect(page.locator("#check-mend-gone .graded__reason").first).to_have_text(WHY)
    page.locator("#check-mend-gone summary", has_text="1 earlier record").click()
    visitor.looks("grade-review-overruled")
    page.locator("#check-mend-gone").get_by_role("link", name="Evidence").click()
    page.get_by_text("an earlier record").wait_for()
    visitor.looks("evidence-overruled")
    assert visitor.problems == []


def test_the_trainee_reads_who_judged_and_why(visit, graded, instructor, trainee):
    hole = Evidence.objects.get(attempt=graded, kind="file")
    services.overrule(hole.pk, person=instructor, outcome="MET", reason=WHY)
    visitor = visit(trainee)
    page = visitor.page
    page.goto(f"/attempts/{graded.pk}/debrief/")
    proof = page.locator("#objective-mend")
    expect(proof).to_contain_text("An instructor judged this otherwise than the check")
    visitor.looks("debrief-overruled")
    proof.get_by_role("link", name="Evidence").click()
    page.get_by_text(WHY).wait_for()
    assert visitor.problems == []
