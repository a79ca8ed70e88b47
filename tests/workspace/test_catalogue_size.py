"""The catalogue with three hundred scenarios and ten thousand attempts: few queries, always."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Membership, User
from range.assessment.models import Grade
from range.catalog import outline
from range.catalog.models import Scenario, ScenarioVersion
from range.competencies.services import load_starter
from range.exercises.models import Attempt, Exercise
from tests.support.statistics import gather_statistics

pytestmark = pytest.mark.django_db
SCENARIOS = 300
TRAINEES = 100
ATTEMPTS = 10_000
# With the frame around it: session, person, rights, navigation. Counted, then rounded up a little.
BUDGET = 32


@pytest.fixture
def many(version, school, cohort):
    """Publish, offer and have attempted; returns a trainee with a hundred attempts."""
    load_starter()

    def make(scenarios, attempts):
        rows = [Scenario(slug=f"many-{n}", title=f"Many {n}") for n in range(scenarios)]
        Scenario.objects.bulk_create(rows)
        versions = ScenarioVersion.objects.bulk_create(
            ScenarioVersion(
                scenario=row,
                version="1",
                digest=f"{n:064}",
                spec=version.spec | {"id": row.slug, "title": row.title},
                image_state="READY",
            )
            for n, row in enumerate(rows)
        )
        exercises = Exercise.objects.bulk_create(
            Exercise(version=each, organisation=school) for each in versions
        )
        people = User.objects.bulk_create(User(username=f"many-{n}") for n in range(TRAINEES))
        Membership.objects.bulk_create(
            Membership(person=each, organisation=school, cohort=cohort, role="TRAINEE")
            for each in people
        )
        then = timezone.now() - timedelta(days=1)
        made = Attempt.objects.bulk_create(
            Attempt(
                exercise=exercises[(n // TRAINEES) % scenarios],
                trainee=people[n % TRAINEES],
                state="GRADED",
                started_at=then,
                finished_at=then + timedelta(minutes=10),
                graded_at=then + timedelta(minutes=11),
            )
            for n in range(attempts)
        )
        Grade.objects.bulk_create(
            Grade(attempt=each, share=0.8, passed=n % 3 > 0, provisional=False, grader_version="1")
            for n, each in enumerate(made)
        )
        gather_statistics()
        return people[0]

    return make


def queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return [each["sql"] for each in seen.captured_queries]


def test_three_hundred_scenarios_take_as_many_queries_as_three(client, many):
    person = many(SCENARIOS, ATTEMPTS)
    client.force_login(person)
    outline._outlines.clear()
    cold = queries(client, reverse("catalogue"))
    warm = queries(client, reverse("catalogue"))
    assert len(cold) <= BUDGET
    # What was read of a version once is kept: no specification crosses the line again.
    assert [each for each in cold if '"spec"' in each]
    assert not [each for each in warm if '"spec"' in each or '"assets"' in each]
    towards = queries(client, reverse("catalogue") + "?role=PD-WRL-007&minutes=30")
    assert len(towards) <= BUDGET
    Exercise.objects.filter(version__scenario__slug__regex=r"^many-\d\d+$").update(
        closes_at=timezone.now()
    )
    assert len(queries(client, reverse("catalogue"))) == len(warm)


def test_only_the_viewers_own_attempts_are_read(client, many):
    person = many(5, 500)
    client.force_login(person)
    client.get(reverse("catalogue"))
    with CaptureQueriesContext(connection) as seen:
        client.get(reverse("catalogue"))
    reading = [
        each["sql"] for each in seen.captured_queries if 'FROM "exercises_attempt"' in each["sql"]
    ]
    assert reading
    assert all(str(person.pk) in each or person.pk.hex in each for each in reading)


def test_the_page_of_a_scenario_reads_no_more_for_many_attempts(client, many, trainee):
    person = many(3, 900)
    client.force_login(person)
    address = reverse("scenario", args=["many-1"])
    before = len(queries(client, address))
    assert before <= BUDGET
    assert Attempt.objects.filter(exercise__version__scenario__slug="many-1").count() >= 300
    Attempt.objects.filter(trainee=person).exclude(
        exercise__version__scenario__slug="many-1"
    ).update(started_at=timezone.now())
    assert len(queries(client, address)) == before
