"""What a trainee was assigned: first in the catalogue, launched within its window alone."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Membership
from range.catalog.models import Scenario
from range.exercises.models import Attempt, Exercise
from range.sandboxes.models import Sandbox

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def room(monkeypatch):
    monkeypatch.setattr("range.sandboxes.services.available_mb", lambda: 64_000)


@pytest.fixture
def given(version, school, cohort, exercise):
    now = timezone.now()
    return Exercise.objects.create(
        version=version,
        organisation=school,
        cohort=cohort,
        policy=Exercise.Policy.ASSESSED,
        opens_at=now - HOUR,
        closes_at=now + HOUR,
        attempts_allowed=1,
    )


@pytest.fixture
def signed_in(client, trainee):
    client.force_login(trainee)
    return client


def launch(client, exercise):
    return client.post(reverse("launch", args=["small"]), {"exercise": exercise.pk})


def page(client, exercise):
    url = reverse("scenario", args=["small"])
    return client.get(url, {"exercise": exercise.pk}).content.decode()


def test_assigned_work_stands_before_the_rest(signed_in, given):
    text = signed_in.get(reverse("catalogue")).content.decode()
    assert text.index("Assigned to you") < text.index("catalogue-results")
    assert "Open until" in text
    assert "1 attempt left" in text


def test_whoever_was_assigned_nothing_reads_nothing_of_it(client, instructor, given):
    client.force_login(instructor)
    assert "Assigned to you" not in client.get(reverse("catalogue")).content.decode()


def test_it_is_launched_as_what_it_is(signed_in, given):
    assert 'name="exercise"' in page(signed_in, given)
    launch(signed_in, given)
    assert Attempt.objects.get().exercise == given
    assert "Resume" in page(signed_in, given)


def test_practice_beside_it_is_an_attempt_of_its_own(signed_in, given, exercise):
    launch(signed_in, given)
    practice = signed_in.get(reverse("scenario", args=["small"])).content.decode()
    assert "Resume" not in practice
    signed_in.post(reverse("launch", args=["small"]))
    assert {each.exercise for each in Attempt.objects.all()} == {given, exercise}


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"opens_at": HOUR, "closes_at": 2 * HOUR}, "not open yet"),
        ({"opens_at": -2 * HOUR, "closes_at": -HOUR}, "is closed"),
    ],
)
def test_outside_of_its_window_it_is_refused_in_words(signed_in, given, moved, words):
    now = timezone.now()
    Exercise.objects.filter(pk=given.pk).update(**{k: now + v for k, v in moved.items()})
    assert "> Launch</button>" not in page(signed_in, given)
    answer = launch(signed_in, given)
    assert answer.status_code == 409
    assert words in answer.content.decode()
    assert not Attempt.objects.exists()
    assert not Sandbox.objects.exists()


def test_when_every_attempt_is_used_it_says_so(signed_in, trainee, given):
    Attempt.objects.create(trainee=trainee, exercise=given, state="GRADED")
    assert "Every attempt is used" in page(signed_in, given)
    assert launch(signed_in, given).status_code == 409


def test_after_the_end_machines_are_not_started_again(signed_in, trainee, given):
    attempt = Attempt.objects.create(trainee=trainee, exercise=given)
    Exercise.objects.filter(pk=given.pk).update(closes_at=timezone.now())
    answer = signed_in.post(reverse("reset-sandbox", args=[attempt.pk]))
    assert answer.status_code == 409
    assert not Sandbox.objects.exists()


def test_machines_that_run_may_be_replaced_after_the_end(signed_in, trainee, given):
    attempt = Attempt.objects.create(trainee=trainee, exercise=given)
    Sandbox.objects.create(attempt=attempt, state="RUNNING", expires_at=timezone.now() + HOUR)
    Exercise.objects.filter(pk=given.pk).update(closes_at=timezone.now())
    assert signed_in.post(reverse("reset-sandbox", args=[attempt.pk])).status_code == 302
    assert Sandbox.objects.get().relaunch


def test_a_newer_publication_leaves_what_was_assigned_as_it_is(signed_in, given, version):
    version.pk, version.digest, version.version = None, "b" * 64, "2.0.0"
    version._state.adding = True
    version.save()
    assert "1.0.0" in page(signed_in, given)


@pytest.mark.parametrize("wanted", ["x", "00000000-0000-0000-0000-000000000000"])
def test_an_exercise_that_is_none_is_not_found(signed_in, given, wanted):
    url = reverse("launch", args=["small"])
    assert signed_in.post(url, {"exercise": wanted}).status_code == 404


def test_an_exercise_of_another_cohort_is_not_found(client, person, school, given):
    client.force_login(person("una", school, Membership.Role.TRAINEE))
    assert launch(client, given).status_code == 404
    assert not Attempt.objects.exists()


def test_what_was_assigned_stays_open_though_the_scenario_is_retired(signed_in, given, version):
    Scenario.objects.filter(pk=version.scenario_id).update(retired_at=timezone.now())
    catalogue = signed_in.get(reverse("catalogue")).content.decode()
    assert "Retired meanwhile" in catalogue
    # Assigned, and not offered anew.
    assert catalogue.count("scenarios/small/") == 1
    text = page(signed_in, given)
    assert "Retired meanwhile" in text
    assert ">Launch" in text
    # To practise it, or by another's exercise, is not possible.
    assert signed_in.post(reverse("launch", args=["small"])).status_code == 404
    practice = Exercise.objects.get(cohort=None)
    assert launch(signed_in, practice).status_code == 404
    assert not Attempt.objects.exists()
    assert launch(signed_in, given).status_code in (202, 302)
    assert Attempt.objects.get().exercise == given


def test_what_is_retired_and_closed_is_closed(signed_in, given, version):
    Scenario.objects.filter(pk=version.scenario_id).update(retired_at=timezone.now())
    Exercise.objects.filter(pk=given.pk).update(closes_at=timezone.now())
    text = page(signed_in, given)
    assert "Closed" in text
    assert "Retired meanwhile" not in text
    assert launch(signed_in, given).status_code == 409
    assert not Attempt.objects.exists()
