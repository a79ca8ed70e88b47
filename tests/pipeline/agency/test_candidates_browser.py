"""An assessor in Chromium: two hundred candidates, filters, comparison, stages, undo."""

import random

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Consent, Membership, User
from range.competencies.models import ObservableSkill
from range.pipeline.models import SkillEstimate
from tests.pipeline.test_take_along_browser import SHOTS, looks
from tests.support.statistics import gather_statistics

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FIRST = ("Adaeze", "Bo", "Chidi", "Dana-Marie", "Élif", "Femi", "Goran", "Hana", "Ioannis", "Jun")
LAST = ("Okafor", "Lindqvist", "Reyes", "Halvorsen-Papadopoulou", "Ito", "Mbeki", "O'Neill")


@pytest.fixture
def crowd(starter, school, agency):
    """Two hundred people with estimates of every sort: none, scarce, wide, sure."""
    drawn = random.Random(20260)
    people = User.objects.bulk_create(
        User(username=f"c{n}", display_name=f"{drawn.choice(FIRST)} {drawn.choice(LAST)} {n}")
        for n in range(200)
    )
    Membership.objects.bulk_create(
        Membership(person=each, organisation=school, role="TRAINEE") for each in people
    )
    Consent.objects.bulk_create(Consent(trainee=each, agency=agency) for each in people)
    skills, rows = list(ObservableSkill.objects.all()), []
    for person in people[5:]:
        ability, amount = drawn.gauss(1.0, 0.9), drawn.choice((9, 14, 24, 40))
        for skill in skills:
            checks = max(1, amount + drawn.randint(-3, 3))
            rows += [
                SkillEstimate(
                    trainee=person,
                    skill=skill,
                    assessed_only=only,
                    mean=ability + drawn.gauss(0, 0.3),
                    sd=drawn.uniform(0.18, 0.5),
                    evidence_count=checks,
                    scenario_count=4 + checks // 6,
                    hinted_count=1,
                    attested_count=checks,
                    last_observed_at=timezone.now(),
                    parameter_set="2026.1",
                    updated_at=timezone.now(),
                )
                for only in (False, True)
            ]
    SkillEstimate.objects.bulk_create(rows, batch_size=2000)
    gather_statistics()
    return people


def narrow(page, name):
    """Look at it as on a telephone too."""
    looks(page, name)
    page.set_viewport_size({"width": 390, "height": 800})
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}-390.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    page.set_viewport_size({"width": 1280, "height": 800})


def test_an_assessor_finds_compares_and_places(seat, crowd, assessor):
    page = seat(assessor)
    page.goto("/candidates/")
    narrow(page, "candidates")
    # Filters change the grid and the address, without a page load.
    page.get_by_label("Readiness", exact=True).select_option("meets")
    page.wait_for_url("**word=meets**")
    meets = page.locator(".candidate-grid tbody tr")
    assert meets.count() > 0
    assert set(page.locator(".candidate-grid tbody td .badge").all_inner_texts()) == {"meets"}
    page.get_by_label("Name", exact=True).fill("nobody of this name")
    page.get_by_text("Nobody matches").wait_for()
    narrow(page, "candidates-none")
    page.goto("/candidates/?columns=all&part=2&shown=figures")
    narrow(page, "candidates-all")
    # By keyboard: kept under a name.
    page.get_by_label("Keep what is shown now as").fill("Everything")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Everything", exact=True).wait_for()
    page.goto("/candidates/")
    for box in page.get_by_role("checkbox").all()[:4]:
        box.check()
    page.get_by_role("button", name="Compare those ticked").click()
    page.get_by_role("heading", name="Compare candidates").wait_for()
    narrow(page, "compare")


def test_an_assessor_sees_what_candidates_lack_and_whom_a_figure_speaks_of(
    seat, crowd, assessor, publish
):
    publish("yard")
    page = seat(assessor)
    page.goto("/candidates/?role=IO-WRL-005")
    page.get_by_role("link", name="Role gaps").click()
    page.get_by_text("of 200 people ready for all that").wait_for()
    page.get_by_text("no scenario exercises this yet").first.wait_for()
    narrow(page, "gaps")
    figure = page.locator(".gaps tbody tr").first.get_by_role("link", name="not yet in")
    many = int(figure.inner_text().split()[0])
    figure.click()
    page.get_by_role("link", name=f"Not yet ({many})").wait_for()
    assert page.locator("a.cell").count() == min(many, 25)
    narrow(page, "skill-gap")
    page.locator("a.cell").first.click()
    page.get_by_role("heading", level=1).wait_for()
    page.go_back()
    page.get_by_role("link", name="Not enough evidence (").click()
    page.wait_for_url("**place=not-enough")
    narrow(page, "skill-gap-scarce")


def test_an_assessor_moves_a_candidate_and_undoes_it(
    seat,
    proven,
    trainee,
    assessor,
    agency,
):
    from range.pipeline.services import refresh

    Consent.objects.create(trainee=trainee, agency=agency)
    refresh(trainee)
    page = seat(assessor)
    page.goto("/candidates/?role=IO-WRL-005")
    page.locator(".candidate-grid a.cell").first.click()
    page.get_by_role("heading", level=1).wait_for()
    assert page.get_by_role("table").first.is_visible()
    narrow(page, "person-skill")
    page.goto(reverse("person", args=[trainee.pk]))
    page.get_by_label("Stage", exact=True).select_option("REFERRED")
    page.get_by_label("Note").fill("Sent to the hospital board.")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_text("Sent to the hospital board.").wait_for()
    narrow(page, "person-stages")
    page.get_by_role("button", name="Undo the newest entry").click()
    page.get_by_text("Undid entry 1").wait_for()
    # Withdrawn meanwhile: gone at once.
    Consent.objects.update(revoked_at=timezone.now())
    page.goto("/candidates/")
    page.get_by_text("lets East Agency look yet").wait_for()
