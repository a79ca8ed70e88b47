"""An agency's administrator and a candidate in Chromium: off, on, answered, made, read."""

import pytest

from range.pipeline.models import Candidacy, GroupDeclaration
from tests.support.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(settings, console_role, monkeypatch):
    with visiting(settings, monkeypatch) as make:
        yield make


def test_a_report_is_switched_on_answered_for_made_and_read(
    visit, starter, manager, agency, mixed, trainee
):
    manages = visit(manager)
    manages.page.goto("/")
    manages.page.get_by_role("link", name="Adverse impact").click()
    manages.page.get_by_role("heading", name="Switched off").wait_for()
    manages.looks("impact-off")
    manages.page.get_by_label("Reason").fill("Our board asks whether our stages are fair.")
    manages.page.keyboard.press("Tab")
    manages.page.keyboard.press("Enter")
    manages.page.get_by_text("No report yet").wait_for()
    manages.looks("impact-empty")

    answers = visit(trainee)
    answers.page.goto("/skills/consent/")
    answers.page.get_by_role("link", name="Groups I belong to").click()
    answers.page.get_by_text("Our board asks whether our stages are fair.").wait_for()
    answers.page.get_by_label("Gender").select_option("Woman")
    answers.page.get_by_role("button", name="Keep").click()
    answers.page.get_by_role("button", name="Erase all of it").wait_for()
    answers.looks("groups")
    assert GroupDeclaration.objects.filter(person=trainee).exists()
    answers.page.get_by_role("button", name="Erase all of it").click()
    answers.page.get_by_text("Erased.").wait_for()
    assert not GroupDeclaration.objects.filter(person=trainee).exists()

    Candidacy.objects.filter(trainee__in=mixed[10:45]).update(stage="ASSESSED")
    GroupDeclaration.objects.bulk_create(
        GroupDeclaration(person=each, dimension="age", group=("under-40", "from-40")[n % 2])
        for n, each in enumerate(mixed)
    )
    manages.page.get_by_role("button", name="Make a report now").click()
    manages.page.get_by_role("heading", name="Report of").wait_for()
    assert manages.page.get_by_text("more than chance explains").count() > 0
    manages.looks("impact-report")
    with manages.page.expect_download() as taken:
        manages.page.get_by_role("link", name="Take it along (CSV)").click()
    assert b"Woman" in taken.value.path().read_bytes()
    manages.page.reload()
    manages.page.get_by_text("A report was taken along").wait_for()
    assert manages.problems == answers.problems == []
