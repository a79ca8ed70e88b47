"""Written work in Chromium: how far models agree with people, and a decision that was corrected."""

import pytest
from playwright.sync_api import expect

from range.assessment import services
from range.assessment.models import ReviewItem
from range.exercises.models import Attempt
from range.exercises.services import finish
from tests.support.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REPORT = "The hole in /etc/hole was left open by the installer. Remove the file and check weekly.\n"
FIRST = "I saw no remedy at all."
SECOND = "The last sentence is one; I had read past it."


@pytest.fixture
def corrected(given, attempt, handle, driver, hand_in, flag, close_hole, write_report, instructor):
    """A graded attempt whose report was decided, one criterion of it twice."""
    Attempt.objects.filter(pk=attempt.pk).update(exercise=given)
    attempt.refresh_from_db()
    hand_in(flag())
    hand_in("red", check="colour")
    close_hole()
    write_report(REPORT)
    finish(attempt.pk, reason="finished", actor="range")
    services.collect(attempt, driver)
    for criterion, level, note in (
        ("cause", 2, "Named plainly."),
        ("remedy", 0, FIRST),
        ("remedy", 2, SECOND),
    ):
        item = ReviewItem.objects.get(criterion=criterion)
        services.decide(item, person=instructor, level=level, note=note)
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.GRADED)
    return attempt


@pytest.fixture
def visit(corrected, settings, console_role, monkeypatch):
    with visiting(settings, monkeypatch) as send:
        yield send


def test_agreement_is_shown_for_each_model_and_criterion(visit, instructor, decided):
    item = ReviewItem.objects.get(criterion="cause")
    decided(item, "qwen3-32b-instruct 5f0a1c22", [(0, 0), (2, 2), (1, 1), (2, 1)] * 5)
    decided(item, "openai:gpt-small 77aa01bc", [(0, 2), (2, 0)] * 10)
    decided(item, "new 1", [(1, 1)] * 3)
    visitor = visit(instructor)
    page = visitor.page
    page.goto("/review/")
    page.get_by_role("link", name="How far models agree with people").click()
    expect(page.get_by_text("Switched off").first).to_be_visible()
    visitor.looks("review-agreement")
    assert visitor.problems == []


def test_the_trainee_reads_the_correction_and_what_stood_before(visit, corrected, trainee):
    visitor = visit(trainee)
    page = visitor.page
    page.goto(f"/attempts/{corrected.pk}/debrief/")
    page.get_by_text(SECOND).first.wait_for()
    page.get_by_text("Before the correction").first.wait_for()
    expect(page.get_by_text(FIRST).first).to_be_visible()
    visitor.looks("debrief-corrected")
    assert visitor.problems == []
