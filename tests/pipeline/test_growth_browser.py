"""Growth in Chromium: drawn for whoever sees, told for whoever does not, with a table beside it."""

import pytest

from range.pipeline.services import refresh
from tests.support.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(proven, trainee, settings, console_role, monkeypatch):
    refresh(trainee)
    with visiting(settings, monkeypatch) as send:
        yield send


def test_a_trainee_sees_how_a_skill_grew_and_opens_what_moved_it(visit, trainee):
    visitor = visit(trainee)
    page = visitor.page
    page.goto("/skills/?role=IO-WRL-005")
    row = page.locator("#skill-harden-privilege-rules + tr")
    row.locator("summary").first.focus()
    page.keyboard.press("Enter")
    drawing = row.locator(".growth__drawing")
    drawing.wait_for()
    assert "over 6 attempts" in drawing.get_attribute("aria-label")
    row.locator("summary", has_text="As a table").click()
    assert row.locator(".growth tbody tr").count() == 6
    visitor.looks("growth")
    row.locator(".growth tbody a").first.click()
    page.get_by_role("heading", name="Debrief").wait_for()
    assert visitor.problems == []
