"""The catalogue in Chromium: as a newcomer, as an experienced trainee, and as an instructor."""

import re
from copy import deepcopy
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import expect

from range.accounts.models import Membership, Organisation, User
from range.catalog.models import Scenario, ScenarioVersion
from range.competencies.models import ObservableSkill
from range.exercises.models import Attempt, Exercise
from range.pipeline.models import ScenarioDifficulty, SkillEstimate
from range.pipeline.parameters import CURRENT
from tests.support.fixtures import SPEC
from tests.support.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SECTORS = ("hospital", "bank", "utility", "clearinghouse")
SKILLS = ("enumerate-system", "map-network", "analyse-logs", "report-findings", "fix-authorisation")
ROLES = ("PD-WRL-007", "IO-WRL-005", "DD-WRL-003", "IN-WRL-001")
LONG = (
    "Ward 7 of the county hospital's western annexe: contain, evict, restore, and explain to the "
    "director in five lines what happened"
)


def publish(school, number, **fields):
    """Publish and offer a scenario, each somewhat unlike the others."""
    slug = fields.get("slug", f"scenario-{number:02}")
    spec = deepcopy(SPEC) | {
        "id": slug,
        "title": fields.get("title", f"Scenario {number}: something to find out"),
        "summary": "A portal that hands out what belongs to others; find it, then mend it so that "
        "the people who work with it notice nothing.",
        "sector": SECTORS[number % 4],
        "modes": [["attack", "fix"], ["defend"], ["investigate"]][number % 3],
        "difficulty": number % 5 + 1,
        "estimated_minutes": (20, 45, 90, 150)[number % 4],
        "frameworks": {
            "nice": {"version": "2.1.0", "work_roles": sorted({ROLES[number % 4], ROLES[0]})}
        },
    }
    shown = [{"key": SKILLS[(number + step) % 5]} for step in range(number % 3 + 1)]
    spec["objectives"][0]["skills"] = shown
    spec |= fields.get("spec", {})
    scenario = Scenario.objects.create(slug=slug, title=spec["title"])
    version = ScenarioVersion.objects.create(
        scenario=scenario,
        version="1.2.0",
        digest=f"{number:064}",
        spec=spec,
        brief="# Situation\n\nNight shift. Somebody reads what they should not.",
        image_state=fields.get("image_state", "READY"),
        verified_at=timezone.now() - timedelta(days=number) if number % 3 else None,
    )
    return Exercise.objects.create(version=version, organisation=school)


def someone(name, school, role):
    made = User.objects.create_user(name, display_name=name.title())
    Membership.objects.create(person=made, organisation=school, role=role)
    return made


def finished(trainee, exercise, *, passed):
    attempt = Attempt.objects.create(
        exercise=exercise,
        trainee=trainee,
        state="GRADED",
        started_at=timezone.now() - timedelta(days=2),
        finished_at=timezone.now() - timedelta(days=2, minutes=-30),
        graded_at=timezone.now() - timedelta(days=2, minutes=-31),
    )
    attempt.grades.create(
        share=0.85 if passed else 0.3, passed=passed, provisional=False, grader_version="1"
    )
    return attempt


@pytest.fixture
def school():
    call_command("load_starter_frameworks", verbosity=0)
    return Organisation.objects.create(slug="north", name="North", kind="SCHOOL")


@pytest.fixture
def visit(school, settings, console_role, monkeypatch):
    with visiting(settings, monkeypatch) as send:
        yield send


def found(page, text):
    expect(page.locator("#catalogue-results [role=status]")).to_have_text(text)


def test_a_newcomer_begins_and_looks_around_by_keys_alone(visit, school):
    for number in range(7):
        publish(school, number)
    publish(school, 8, slug="sudo-says", title="Sudo says")
    visitor = visit(someone("nina", school, Membership.Role.TRAINEE))
    page = visitor.page
    page.goto("/catalogue/")
    page.get_by_role("heading", name="Start here: Sudo says").wait_for()
    assert page.get_by_text("Recommended next").count() == 0
    visitor.looks("catalogue-newcomer")

    page.get_by_label("Search").focus()
    page.keyboard.type("zebra")
    found(page, "0 of 8 scenarios")
    page.get_by_text("No scenario matches all of this").wait_for()
    assert page.evaluate("document.activeElement.id") == "filter-q"
    page.keyboard.press("Control+A")
    page.keyboard.type("sudo")
    found(page, "1 of 8 scenarios")
    assert page.url.endswith("/catalogue/?q=sudo")
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    found(page, "8 of 8 scenarios")
    assert page.url.endswith("/catalogue/")

    sector = page.get_by_label("Sector")
    sector.focus()
    page.keyboard.type("Ban")
    found(page, "2 of 8 scenarios")
    assert page.evaluate("document.activeElement.id") == "filter-sector"
    assert page.url.endswith("?sector=bank")
    expect(sector.locator("option:checked")).to_have_text("Bank (2)")
    page.get_by_label("Mode").select_option("defend")
    found(page, "1 of 8 scenarios")
    page.get_by_label("Time").select_option("30")
    page.get_by_text("Without one of these filters there would be:").wait_for()
    visitor.looks("catalogue-loosen")
    page.reload()
    found(page, "0 of 8 scenarios")
    page.get_by_role("link", name=re.compile("Without time: Up to 30 min")).click()
    found(page, "1 of 8 scenarios")
    page.go_back()
    found(page, "0 of 8 scenarios")
    page.get_by_role("link", name="Clear all", exact=True).click()
    found(page, "8 of 8 scenarios")
    assert visitor.problems == []


def test_an_experienced_trainee_sees_what_to_go_on_with_and_what_comes_next(visit, school):
    exercises = [publish(school, number) for number in range(60)]
    publish(school, 60, slug="long", title=LONG)
    publish(school, 61, slug="building", title="Being built", image_state="BUILDING")
    publish(school, 62, slug="broken", title="Could not be built", image_state="FAILED")
    trainee = someone("wilhelmina featherstonehaugh-okonkwo", school, Membership.Role.TRAINEE)
    for number in (0, 3, 5, 6):
        finished(trainee, exercises[number], passed=number != 3)
    Attempt.objects.create(exercise=exercises[1], trainee=trainee)
    finished(trainee, exercises[2], passed=True)
    Scenario.objects.filter(slug="scenario-02").update(retired_at=timezone.now())
    measured(exercises[4].version.scenario)
    for key, mean in (("enumerate-system", 0.6), ("report-findings", -0.7)):
        believed(trainee, key, mean)
    visitor = visit(trainee)
    page = visitor.page
    page.goto("/catalogue/")
    page.get_by_role("heading", name="Recommended next").wait_for()
    assert page.locator(".next__item").count() == 4
    visitor.looks("catalogue-experienced")

    page.get_by_role("link", name="Show 14 more").click()
    page.get_by_text("62 of 62").first.wait_for()
    expect(page.locator(".grid > .card")).to_have_count(62)
    assert page.evaluate("document.activeElement.className") == "card__link"
    assert page.url.endswith("?shown=62")

    page.get_by_label("Work role").select_option("PD-WRL-007")
    heading = "Recommended next, towards Vulnerability Analysis"
    page.get_by_role("heading", name=heading).wait_for()
    page.get_by_text(
        re.compile("Vulnerability Analysis asks for it, and nothing of yours")
    ).first.wait_for()
    visitor.looks("catalogue-towards")
    page.get_by_label("Work role").select_option("")
    page.get_by_label("Your state").select_option("tried")
    found(page, "1 of 62 scenarios")
    page.get_by_label("Your state").select_option("under-way")
    found(page, "1 of 62 scenarios")
    page.get_by_role("link", name="Clear all", exact=True).click()
    page.get_by_role("heading", name="No longer offered").wait_for()
    page.locator(".past a").click()
    page.get_by_text("Nothing new can be begun in this scenario").wait_for()
    visitor.looks("scenario-retired")
    page.get_by_role("link", name=re.compile("^Debrief")).click()
    page.get_by_role("heading", name="Passed").wait_for()
    page.goto("/scenarios/long/")
    visitor.looks("scenario-long")
    page.goto("/scenarios/scenario-04/")
    page.get_by_text("from 24 attempts, declared 5").wait_for()
    assert visitor.problems == []


def test_an_instructor_sees_versions_and_how_they_were_verified(visit, school):
    exercise = publish(school, 4)
    measured(exercise.version.scenario)
    for number in range(2):
        trainee = someone(f"t{number}", school, Membership.Role.TRAINEE)
        finished(trainee, exercise, passed=bool(number))
    ScenarioVersion.objects.create(
        scenario=exercise.version.scenario,
        version="1.1.0",
        digest="f" * 64,
        spec=exercise.version.spec,
        published_at=timezone.now() - timedelta(days=40),
    )
    visitor = visit(someone("ines", school, Membership.Role.INSTRUCTOR))
    page = visitor.page
    page.goto("/catalogue/")
    found(page, "1 of 1 scenario")
    visitor.looks("catalogue-instructor")
    page.get_by_role("link", name="Scenario 4").last.click()
    versions = page.get_by_role("region", name="Versions")
    versions.get_by_text("2 attempts · content").wait_for()
    versions.get_by_text("Not verified on this range.").wait_for()
    visitor.looks("scenario-instructor")
    assert visitor.problems == []


def test_an_empty_range_says_what_to_do(visit, school):
    visitor = visit(someone("nobody", school, Membership.Role.TRAINEE))
    visitor.page.goto("/catalogue/")
    visitor.page.get_by_text("No scenario has been published yet").wait_for()
    visitor.looks("catalogue-nothing")


def measured(scenario):
    ScenarioDifficulty.objects.create(
        scenario=scenario,
        declared=5,
        logits=0.1,
        sd=0.2,
        practice=14,
        assessed=10,
        passed=9,
        parameter_set=CURRENT.name,
        updated_at=timezone.now(),
    )


def believed(trainee, key, mean):
    SkillEstimate.objects.create(
        trainee=trainee,
        skill=ObservableSkill.objects.get(key=key),
        mean=mean,
        sd=0.5,
        evidence_count=5,
        scenario_count=3,
        hinted_count=1,
        attested_count=5,
        parameter_set=CURRENT.name,
        updated_at=timezone.now(),
    )
