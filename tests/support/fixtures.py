"""People, a published scenario and an attempt, for every test that needs rows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.models import Cohort, Membership, Organisation, User
from range.catalog.models import Objective, Scenario, ScenarioVersion
from range.exercises.models import Attempt, Exercise
from range.sandboxes.models import Sandbox

PASSWORD = "correct horse battery"


@pytest.fixture
def school(db):
    return Organisation.objects.create(
        slug="north-school", name="North School", kind=Organisation.Kind.SCHOOL
    )


@pytest.fixture
def agency(db):
    return Organisation.objects.create(
        slug="east-agency", name="East Agency", kind=Organisation.Kind.AGENCY
    )


@pytest.fixture
def person(db):
    """Make a person with one role."""

    def make(username, organisation, role, cohort=None):
        made = User.objects.create_user(username=username, password=PASSWORD)
        Membership.objects.create(person=made, organisation=organisation, role=role, cohort=cohort)
        return made

    return make


@pytest.fixture
def cohort(school):
    return Cohort.objects.create(organisation=school, name="First cohort")


@pytest.fixture
def trainee(person, school, cohort):
    return person("tia", school, Membership.Role.TRAINEE, cohort)


@pytest.fixture
def other_trainee(person, school, cohort):
    return person("tom", school, Membership.Role.TRAINEE, cohort)


@pytest.fixture
def instructor(person, school):
    return person("ivy", school, Membership.Role.INSTRUCTOR)


@pytest.fixture
def assessor(person, agency):
    return person("abe", agency, Membership.Role.ASSESSOR)


@pytest.fixture
def administrator(person, school):
    return person("ada", school, Membership.Role.ADMIN)


SPEC = {
    "schema": 1,
    "id": "small",
    "version": "1.0.0",
    "title": "Small",
    "summary": "One machine, one flag, one thing to mend and one report.",
    "modes": ["attack", "fix"],
    "difficulty": 1,
    "estimated_minutes": 10,
    "variables": {"flag_enter": {"type": "flag"}, "colour": {"type": "choice", "from": ["red"]}},
    "networks": {"lan": {"console": True}},
    "machines": {
        "box": {
            "build": "machines/box",
            "networks": ["lan"],
            "console": {"user": "trainee"},
            "resources": {"memory_mb": 64},
        }
    },
    "objectives": [
        {
            "key": "enter",
            "title": "Get in",
            "weight": 100,
            "checks": {
                "all_of": [
                    # As it is published: what an author may leave unsaid is written out.
                    {
                        "id": "flag",
                        "kind": "flag",
                        "value": "{{ flag_enter }}",
                        "max_tries_per_minute": 5,
                    },
                    {
                        "id": "colour",
                        "kind": "answer",
                        "prompt": "Which colour is the door?",
                        "equals": "{{ colour }}",
                        "max_tries": 3,
                    },
                ]
            },
            "skills": [{"key": "enumerate-system"}],
            "hints": [{"rung": 1, "text": "Look around."}],
        },
        {
            "key": "mend",
            "title": "Close it",
            "weight": 50,
            "checks": {
                "id": "gone",
                "kind": "file",
                "machine": "box",
                "path": "/etc/hole",
                "exists": False,
            },
            "skills": [{"key": "harden-privilege-rules"}],
        },
        {
            "key": "report",
            "title": "Tell about it",
            "weight": 50,
            "checks": {
                "id": "report",
                "kind": "rubric",
                "artefact": "box:/home/trainee/report.md",
                "criteria": [
                    {"id": "cause", "title": "Names the cause", "weight": 3},
                    {"id": "remedy", "title": "Names the remedy", "weight": 1},
                ],
            },
            "skills": [{"key": "report-findings"}],
        },
    ],
    "grading": {"pass": {"share": 0.7, "required": ["enter"]}},
    "lifecycle": {"limit_minutes": 60},
}


@pytest.fixture
def version(db):
    scenario = Scenario.objects.create(slug="small", title="Small")
    made = ScenarioVersion.objects.create(
        scenario=scenario,
        version="1.0.0",
        digest="a" * 64,
        spec=SPEC,
        image_state=ScenarioVersion.ImageState.READY,
        images={"box": "none"},
    )
    for position, objective in enumerate(SPEC["objectives"], start=1):
        Objective.objects.create(
            version=made,
            key=objective["key"],
            title=objective["title"],
            weight=objective["weight"],
            position=position,
        )
    return made


@pytest.fixture
def exercise(version, school):
    return Exercise.objects.create(version=version, organisation=school)


@pytest.fixture
def attempt(trainee, exercise):
    return Attempt.objects.create(trainee=trainee, exercise=exercise)


@pytest.fixture
def sandbox(attempt):
    """A sandbox whose row says it runs; no engine is involved."""
    return Sandbox.objects.create(
        attempt=attempt,
        state=Sandbox.State.RUNNING,
        driver="fake",
        started_at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """A hash that costs nothing: what it protects here is one test's own data."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
