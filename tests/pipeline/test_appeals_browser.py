"""An appeal in Chromium: a trainee contests, an instructor answers, an agency sees both."""

import pytest

from range.accounts.models import Consent
from range.assessment.models import Appeal, Evidence
from range.pipeline.services import refresh
from tests.support.visits import visiting

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.django_db(transaction=True),
]
WORDS = "The file is gone.\nWhat was seen is a link to <b>nowhere</b>."
ANSWER = "True: the link leads nowhere, so nobody can use it."


@pytest.fixture
def missed(proven, trainee, agency, publish, finished, judged):
    """A record against the trainee, beside many that speak for them."""
    Consent.objects.create(trainee=trainee, agency=agency)
    attempt = finished(trainee, publish("yard-9", policy="ASSESSED"))
    judged(attempt, "mend", "kept")
    row = judged(attempt, "mend", "gone", "UNMET", hint_rung=1, excerpt="/etc/hole is there")
    refresh(trainee)
    return row


@pytest.fixture
def visit(missed, settings, console_role, monkeypatch):
    with visiting(settings, monkeypatch) as send:
        yield send


def contested(page, words=WORDS):
    page.get_by_label("What is wrong with it").fill(words)
    page.get_by_role("button", name="Contest").click()
    page.get_by_role("heading", name="Contested").wait_for()


def test_a_verdict_is_contested_corrected_and_read_by_everybody(
    visit, missed, trainee, instructor, assessor
):
    mine, theirs, agencys = visit(trainee), visit(instructor), visit(assessor)
    page = mine.page
    page.goto("/skills/?role=IO-WRL-005")
    row = page.locator("#skill-harden-privilege-rules + tr")
    row.locator("summary").first.click()
    row.locator(f'a[href="/evidence/{missed.pk}/"]').click()
    mine.looks("appeal-before")
    contested(page)
    assert page.get_by_text("waiting for an answer").is_visible()
    mine.looks("appeal-waits")
    page.wait_for_load_state("load")
    assert page.locator(".preline").inner_text() == WORDS

    agency = agencys.page
    agency.goto("/candidates/")
    assert agency.get_by_text("1 contested").count() == 1
    agency.goto(f"/people/{trainee.pk}/")
    assert "1 contested" in agency.locator("#skill-harden-privilege-rules").inner_text()
    agencys.looks("appeal-person-contested")
    agency.goto(f"/evidence/{missed.pk}/")
    assert agency.get_by_role("button", name="Answer").count() == 0

    desk = theirs.page
    desk.goto("/review/")
    theirs.looks("appeal-queue")
    desk.get_by_role("link", name="answer about gone").click()
    theirs.looks("appeal-answer")
    # Nothing is chosen beforehand, so that nothing is answered by accident.
    desk.get_by_label("Reason").fill(ANSWER)
    desk.get_by_role("button", name="Answer").click()
    assert Appeal.objects.get().state == Appeal.State.OPEN
    desk.get_by_label("Your answer").select_option("MET")
    desk.get_by_role("button", name="Answer").click()
    desk.get_by_text("Answered for gone: the record was corrected").wait_for()
    refresh(trainee)

    page.goto("/skills/?role=IO-WRL-005")
    told = page.get_by_role("table", name="Contested evidence, newest first")
    assert "The record was corrected" in told.inner_text()
    mine.looks("appeal-skills-answered")
    told.get_by_role("link", name="gone").click()
    page.get_by_text(ANSWER).wait_for()
    mine.looks("appeal-reads")
    page.get_by_role("link", name="Open the answer's record").click()
    page.get_by_text("It was contested, and an instructor corrected it").wait_for()
    # What the instructor wrote stands there once.
    assert page.get_by_text(ANSWER).count() == 1
    mine.looks("appeal-outcome")
    agency.goto("/candidates/")
    assert agency.get_by_text("contested").count() == 0
    assert Appeal.objects.get().state == Appeal.State.CORRECTED
    assert Evidence.objects.get(supersedes=missed).outcome == "MET"
    for each in (mine, theirs, agencys):
        assert each.problems == []


def test_one_that_stands_says_so_and_the_next_one_follows(
    visit, proven, missed, trainee, instructor
):
    other = proven[0].evidence.get(check_id="kept")
    page = visit(trainee).page
    for row, words in ((missed, WORDS), (other, "Look again.")):
        page.goto(f"/evidence/{row.pk}/")
        contested(page, words)
    desk = visit(instructor)
    desk.page.goto(f"/evidence/{missed.pk}/")
    desk.page.get_by_label("Your answer").select_option("KEEP")
    desk.page.get_by_label("Reason").fill("It is there.")
    desk.page.get_by_role("button", name="Answer").click()
    desk.page.wait_for_url(f"**/evidence/{other.pk}/")
    desk.page.get_by_text("Here is what waits next").wait_for()
    page.goto(f"/evidence/{missed.pk}/")
    assert page.get_by_text("This record stands").is_visible()
    page.get_by_role("link", name="Open the answer's record").first.click()
    page.get_by_text("It was contested, and an instructor let it stand").wait_for()
    assert desk.problems == []
