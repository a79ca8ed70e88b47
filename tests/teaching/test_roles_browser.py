"""What a work role asks, in Chromium: changed with a reason, refused without, put back."""

import pytest
from playwright.sync_api import expect

from range.competencies.services import load_starter
from tests.support.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WHY = "Our job analysis of this spring asks for it."


@pytest.fixture
def visit(instructor, settings, console_role, monkeypatch):
    load_starter()
    with visiting(settings, monkeypatch) as send:
        yield send


def test_a_role_is_changed_by_keys_and_put_back(visit, instructor):
    visitor = visit(instructor)
    page = visitor.page
    page.goto("/teaching/roles/")
    visitor.looks("roles-asked")
    page.get_by_role("link", name="Vulnerability Analysis").click()
    visitor.looks("role-requirements")

    page.locator("#level-report-findings").select_option("assisted")
    page.get_by_label("Why you change it").fill("too few")
    page.locator("form.panel").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Ask this from now on").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Why you change it").input_value() == "too few"
    expect(page.locator("#level-report-findings")).to_have_value("assisted")
    visitor.looks("role-requirements-refused")

    page.get_by_label("Why you change it").fill(WHY)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("assisted in place of independent").wait_for()
    visitor.looks("role-requirements-changed")
    page.get_by_role("button", name="Put back").first.click()
    page.get_by_text("independent in place of assisted").wait_for()
    expect(page.locator("#level-report-findings")).to_have_value("independent")
    assert [each for each in visitor.problems if "422" not in each] == []
