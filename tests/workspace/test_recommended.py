"""What comes next on the catalogue: from estimates of rows, in words, towards a role or not."""

from copy import deepcopy

import pytest
from django.urls import reverse
from django.utils import timezone

from range.catalog.models import Scenario, ScenarioVersion
from range.competencies.models import ObservableSkill
from range.competencies.services import load_starter
from range.exercises.models import Exercise
from range.pipeline.models import SkillEstimate
from range.pipeline.parameters import CURRENT
from range.workspace.presenters.catalogue import shelf_of
from range.workspace.presenters.recommended import recommended

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _skills():
    load_starter()


@pytest.fixture
def offer(version, school):
    """Offer a scenario that observes some skills."""

    def make(slug, *skills, role="PD-WRL-007", minutes=30, image_state="READY"):
        spec = deepcopy(version.spec) | {
            "id": slug,
            "title": slug.title(),
            "difficulty": 3,
            "estimated_minutes": minutes,
            "frameworks": {"nice": {"version": "2.1.0", "work_roles": [f"nice:{role}"]}},
        }
        spec["frameworks"]["nice"]["work_roles"] = [role]
        spec["objectives"] = [spec["objectives"][0] | {"skills": [{"key": key} for key in skills]}]
        made = ScenarioVersion.objects.create(
            scenario=Scenario.objects.create(slug=slug, title=slug.title()),
            version="1",
            digest=slug.ljust(64, "0"),
            spec=spec,
            image_state=image_state,
        )
        return Exercise.objects.create(version=made, organisation=school)

    return make


@pytest.fixture
def believe(trainee):
    def make(skill, mean, sd, checks=4):
        SkillEstimate.objects.create(
            trainee=trainee,
            skill=ObservableSkill.objects.get(key=skill),
            mean=mean,
            sd=sd,
            evidence_count=checks,
            scenario_count=2,
            hinted_count=0,
            attested_count=checks,
            parameter_set=CURRENT.name,
            updated_at=timezone.now(),
        )

    return make


def steps(trainee, role=""):
    return recommended(trainee, shelf_of(trainee).cards, role_code=role).steps


def test_what_nobody_has_seen_comes_first_with_the_reason(trainee, offer, believe):
    offer("known", "analyse-logs")
    offer("unseen", "map-network")
    believe("analyse-logs", 0.4, 0.3)
    first, second = steps(trainee)
    assert first.card.slug == "unseen"
    assert first.why == "Shows map a network, which nothing of yours shows yet."
    assert second.why == (
        "Tells most about analyse logs, of which your evidence says little so far."
    )
    assert first.fits == "Fits where you stand"


def test_what_is_passed_under_way_or_not_ready_is_left_out(trainee, offer):
    passed = offer("passed", "map-network").attempts.create(trainee=trainee, state="GRADED")
    passed.grades.create(share=1, passed=True, provisional=False, grader_version="1")
    offer("under-way", "map-network").attempts.create(trainee=trainee)
    offer("building", "map-network", image_state="BUILDING")
    offer("again", "map-network").attempts.create(trainee=trainee, state="GRADED")
    assert [each.card.slug for each in steps(trainee)] == ["again"]


def test_towards_a_role_the_reason_names_the_role(trainee, offer, believe):
    offer("below", "report-findings")
    offer("unseen", "escalate-privilege")
    offer("beside", "restore-service")
    believe("report-findings", -1.0, 0.5)
    whys = {each.card.slug: each.why for each in steps(trainee, "PD-WRL-007")}
    assert whys == {
        "below": "Practises report findings, where your evidence lies below what Vulnerability "
        "Analysis asks.",
        "unseen": "Shows escalate privilege: Vulnerability Analysis asks for it, and nothing of "
        "yours shows it yet.",
    }


def test_a_role_that_asks_nothing_here_leads_to_its_own_scenarios(trainee, offer):
    offer("mine", "map-network", role="IN-WRL-001")
    offer("other", "map-network", role="PD-WRL-007")
    assert [each.card.slug for each in steps(trainee, "IN-WRL-001")] == ["mine"]


def test_at_most_two_skills_are_named(trainee, offer):
    offer("much", "map-network", "analyse-logs", "restore-service", "validate-input")
    (found,) = steps(trainee)
    assert found.why == (
        "Shows analyse logs, map a network and 2 more skills, which nothing of yours shows yet."
    )


def test_the_page_shows_it_after_the_first_attempt_and_follows_the_role(client, trainee, offer):
    offer("first", "map-network").attempts.create(trainee=trainee, state="GRADED")
    offer("next", "report-findings")
    client.force_login(trainee)
    text = client.get(reverse("catalogue")).content.decode()
    assert "Recommended next" in text
    assert "Choose a work role" in text
    text = client.get(reverse("catalogue") + "?role=PD-WRL-007").content.decode()
    assert "Recommended next, towards Vulnerability Analysis" in text
    assert "Recommended next" not in client.get(reverse("catalogue") + "?mode=fix").content.decode()


def test_whoever_has_done_everything_is_told_so(client, trainee, offer):
    done = offer("only", "map-network").attempts.create(trainee=trainee, state="GRADED")
    done.grades.create(share=1, passed=True, provisional=False, grader_version="1")
    client.force_login(trainee)
    text = client.get(reverse("catalogue")).content.decode()
    assert "Nothing else to recommend now" in text
