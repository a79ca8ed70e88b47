"""An author's pages in Chromium: draft, history, a full disk, a live verification, retiring."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Cohort
from range.authoring.models import Draft, VerificationRun
from range.authoring.trials import begin
from range.authoring.verifications import ask_for_draft
from range.catalog.models import Scenario, ScenarioVersion
from range.exercises.models import Exercise
from range.sandboxes.models import Trial
from tests.authoring.test_verify import solvable
from tests.authoring.workshop_support import drafted, saved
from tests.support.fixtures import SPEC
from tests.support.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SUMMARY = "Somebody left a way in; find it, close it, and leave everything else as it was. "


@pytest.fixture
def visit(settings, monkeypatch):
    with visiting(settings, monkeypatch) as made:
        yield made


@pytest.fixture
def draft(instructor, school, tmp_path):
    made = drafted(instructor, school, tmp_path, solvable())
    for number in range(1, 13):
        saved(made, instructor, tmp_path, solvable() | {"summary": SUMMARY * (number % 3 + 1)})
    return Draft.objects.get(pk=made.pk)


def line(name, state, **more):
    return {"name": name, "state": state, "expected": {"enter": "unmet", "mend": "unmet"}} | more


def test_a_draft_and_its_history(visit, draft, instructor):
    visitor = visit(instructor)
    page = visitor.page
    page.goto(reverse("draft", args=[draft.pk]))
    page.get_by_role("heading", level=1).wait_for()
    visitor.looks("draft")
    page.goto(reverse("draft-history", args=[draft.pk]))
    page.get_by_role("heading", level=1).wait_for()
    visitor.looks("draft-history")
    # On a telephone nothing of a revision lies beside the screen.
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate(
        "[...document.querySelectorAll('.table-wrap')].every(e => e.scrollWidth <= e.clientWidth)"
    )
    page.get_by_role("button", name="Restore revision 12").click()
    page.wait_for_url(f"**{reverse('draft', args=[draft.pk])}")
    assert visitor.problems == []


def test_a_trial_tells_of_a_full_disk(visit, draft, instructor):
    of_draft = begin(draft.pk, author=instructor)
    Trial.objects.update(state=Trial.State.BROKEN)
    disks = {
        "box": {"container": "c", "bytes": 600 << 20, "limit": 512 << 20},
        "desk": {"container": "d", "bytes": 450 << 20, "limit": 512 << 20},
    }
    type(of_draft).objects.update(
        disks=disks,
        told={
            "state": "broken",
            "text": "A machine is gone.",
            "revision": draft.revision,
            "at": timezone.now().isoformat(),
        },
    )
    visitor = visit(instructor)
    visitor.page.goto(reverse("trial", args=[of_draft.pk]))
    visitor.page.get_by_text("box was stopped: its disk is full").wait_for()
    visitor.page.get_by_text("The disk of desk is nearly full").wait_for()
    visitor.looks("trial-disk-full")
    # On a telephone somebody is at the terminals, and is told there, once and not again.
    page = visitor.page
    page.set_viewport_size({"width": 390, "height": 800})
    for tab in ("Terminal", "Draft", "Terminal"):
        page.get_by_role("tab", name=tab).click()
        page.get_by_text("box was stopped: its disk is full").wait_for()
    page.evaluate("document.querySelector('#trial-disks .callout').dataset.same = 'yes'")
    with page.expect_response("**/panel/*"):
        page.evaluate("htmx.trigger('#trial-follow', 'sse:trial')")
    page.wait_for_timeout(300)
    assert page.get_by_text("its disk is full").count() == 1
    assert page.locator("#trial-disks [data-same]").count() == 1
    assert page.locator("#trial-panel").count() == 1
    type(of_draft).objects.update(disks={})
    page.evaluate("htmx.trigger('#trial-follow', 'sse:trial')")
    page.get_by_text("its disk is full").wait_for(state="detached")
    assert visitor.problems == []


def test_a_verification_while_it_runs(visit, draft, instructor):
    run = ask_for_draft(draft.pk, author=instructor)
    differs = {
        "seconds": 12.3,
        "found": {"enter": "unmet", "mend": "met"},
        "differences": ["mend: expected unmet, found met"],
        "checks": {
            "mend": [{"id": "gone", "outcome": "MET", "reason": "file-missing", "excerpt": "/x"}]
        },
    }
    fine = {"seconds": 8.1, "found": {"enter": "unmet", "mend": "unmet"}, "differences": []}
    runs = [
        line("fresh", "as-expected", **fine, checks={}),
        line("wrong-half", "differs", **differs),
        line("reference [way=sudo]", "running"),
        line("foreign-flag", "waiting"),
    ]
    progress = {"text": "", "total": 4, "done": 2, "differing": 1, "runs": runs}
    VerificationRun.objects.filter(pk=run.pk).update(
        state="RUNNING", started_at=timezone.now(), progress=progress
    )
    visitor = visit(instructor)
    visitor.page.goto(reverse("verification", args=[run.pk]))
    visitor.page.get_by_text("wrong-half").first.wait_for()
    visitor.looks("verification-live")


def test_retiring_names_what_stays_open_and_marks_it(visit, school, administrator, draft):
    version = ScenarioVersion.objects.create(
        scenario=Scenario.objects.create(slug="yard", title="Yard", owner=school),
        version="1.2.0",
        digest=uuid4().hex * 2,
        spec=SPEC,
        brief="# Situation\n\nNight shift.",
        image_state="READY",
        verified_at=timezone.now() - timedelta(days=3),
    )
    Exercise.objects.create(version=version, organisation=school)
    cohort = Cohort.objects.create(organisation=school, name="Evening class, county hospitals")
    Exercise.objects.create(
        version=version,
        organisation=school,
        cohort=cohort,
        closes_at=timezone.now() + timedelta(days=5),
    )
    visitor = visit(administrator)
    page, slug = visitor.page, version.scenario.slug
    page.goto(reverse("retire-scenario", args=[slug]))
    page.get_by_text("Evening class").first.wait_for()
    visitor.looks("retire")
    page.goto(reverse("scenario", args=[slug]))
    visitor.looks("scenario-before")
    page.goto(reverse("retire-scenario", args=[slug]))
    page.locator("main form button[type=submit]").first.click()
    page.goto(reverse("scenario-versions", args=[slug]))
    visitor.looks("scenario-versions-retired")
    page.goto(reverse("teaching"))
    visitor.looks("teaching-retired")
    page.goto(reverse("workshop"))
    visitor.looks("workshop-retired")
