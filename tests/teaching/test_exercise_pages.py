"""Pages of exercises: assigned in one's own time zone, changed, closed, extended, and whose."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import User
from range.exercises.models import Attempt, Exercise, Extension
from range.teaching.forms import LOCAL
from range.timeline.models import Event

pytestmark = pytest.mark.django_db
SUMMER = "2031-07-01T09:00"


@pytest.fixture
def form(version, cohort):
    return {
        "version": version.pk,
        "cohort": cohort.pk,
        "policy": "ASSESSED",
        "time_zone": "Europe/Berlin",
        "opens_at": SUMMER,
        "closes_at": "2031-07-02T09:00",
        "attempts_allowed": "1",
    }


def test_times_are_in_the_zone_that_was_chosen_and_it_is_remembered(teach, form, instructor):
    teach.post("assign-exercise", **form)
    made = Exercise.objects.get()
    assert made.opens_at == datetime(2031, 7, 1, 7, 0, tzinfo=UTC)
    instructor.refresh_from_db()
    assert instructor.time_zone == "Europe/Berlin"
    words = teach.words(teach.get("exercise", made.pk))
    assert "Tue 1 Jul 2031, 09:00 Europe/Berlin" in words
    assert "Assessed" in words
    assert "Not open yet" in words


def test_what_assessed_means_is_said_where_it_is_chosen(teach):
    words = teach.words(teach.get("assign-exercise"))
    assert "no tutor and no hints" in words
    assert "marked as assessed" in words


def test_it_is_changed_before_it_opens(teach, form):
    teach.post("assign-exercise", **form)
    made = Exercise.objects.get()
    page = teach.get("change-exercise", made.pk).content.decode()
    assert f'value="{SUMMER}"' in page
    teach.post("change-exercise", made.pk, **form | {"policy": "PRACTICE", "closes_at": ""})
    made.refresh_from_db()
    assert (made.policy, made.closes_at) == ("PRACTICE", None)


def test_it_is_not_changed_afterwards(teach, form, given):
    assert "has opened" in teach.words(teach.get("change-exercise", given.pk))
    teach.post("change-exercise", given.pk, **form)
    given.refresh_from_db()
    assert given.policy == "PRACTICE"


@pytest.mark.parametrize(
    "change",
    [
        {"opens_at": "soon"},
        {"closes_at": "2031-06-01T09:00"},
        {"policy": "SECRET"},
        {"time_zone": "Mars/Olympus"},
        {"attempts_allowed": "0"},
        {"attempts_allowed": "999"},
        {"version": "00000000-0000-0000-0000-000000000000"},
        {"cohort": "x"},
    ],
)
def test_what_makes_no_sense_is_told_and_nothing_is_made(teach, form, change):
    answer = teach.post("assign-exercise", **form | change)
    assert answer.status_code == 422
    assert "field__error" in answer.content.decode() or "callout--danger" in answer.content.decode()
    assert not Exercise.objects.exists()


def test_nothing_is_assigned_to_a_cohort_of_another_school(teach, form, far_cohort):
    assert teach.post("assign-exercise", **form | {"cohort": far_cohort.pk}).status_code == 422
    assert not Exercise.objects.exists()


def test_only_what_the_form_has_is_taken(teach, form, far_school, school):
    teach.post("assign-exercise", **form | {"organisation": far_school.pk, "id": "x"})
    assert Exercise.objects.get().organisation == school


def test_closing_is_asked_first(teach, given):
    before = given.closes_at
    assert "Close this exercise now?" in teach.words(teach.get("close-exercise", given.pk))
    given.refresh_from_db()
    assert given.closes_at == before
    teach.post("close-exercise", given.pk)
    given.refresh_from_db()
    assert given.closes_at <= timezone.now()


def later(given, hours=3):
    return (given.closes_at + timedelta(hours=hours)).strftime(LOCAL)


def test_the_end_moves_for_all_or_for_one(teach, given, trainee, other_trainee):
    teach.post("extend-window", given.pk, until=later(given))
    before = given.closes_at
    given.refresh_from_db()
    assert given.closes_at > before
    teach.post("extend-window", given.pk, until=later(given), trainee=trainee.pk)
    assert [each.trainee for each in Extension.objects.all()] == [trainee]


@pytest.mark.parametrize(
    "until", ["", "x", "1999-01-01T00:00", "0001-01-01T00:00", "9999-12-31T23:59"]
)
def test_an_end_that_is_none_changes_nothing(teach, given, until):
    before = given.closes_at
    assert teach.post("extend-window", given.pk, until=until).status_code == 302
    given.refresh_from_db()
    assert given.closes_at == before


def test_nobody_of_another_cohort_is_extended(teach, given, person, far_school):
    fred = person("fred", far_school, "TRAINEE")
    for stranger in (fred.pk, "x", "00000000-0000-0000-0000-000000000000"):
        answer = teach.post("extend-window", given.pk, until=later(given), trainee=stranger)
        assert answer.status_code == 404
    assert not Extension.objects.exists()


ACTS = [
    ("exercise", "get", {}),
    ("exercise-panel", "get", {}),
    ("change-exercise", "get", {}),
    ("change-exercise", "post", {}),
    ("extend-window", "post", {"until": "2031-01-01T00:00"}),
    ("close-exercise", "get", {}),
    ("close-exercise", "post", {}),
    ("send-message", "post", {"text": "Hello"}),
    ("exercise-trainee", "get", {}),
    *[(f"steer-{whom}", method, {}) for whom in ("all", "one") for method in ("get", "post")],
]


@pytest.mark.parametrize("who", ["far_instructor", "trainee", "other_trainee", "assessor"])
@pytest.mark.parametrize(("name", "method", "data"), ACTS)
def test_nobody_else_sees_or_steers_an_exercise(
    client, request, given, trainee, who, name, method, data
):
    attempt = Attempt.objects.create(trainee=trainee, exercise=given)
    client.force_login(request.getfixturevalue(who))
    arguments = [given.pk]
    if name in ("exercise-trainee", "steer-one"):
        arguments.append(trainee.pk)
    if name.startswith("steer"):
        arguments.append("finish")
    answer = getattr(client, method)(reverse(name, args=arguments), data)
    assert answer.status_code == 404
    assert "Small" not in answer.content.decode()
    attempt.refresh_from_db()
    before = given.closes_at
    given.refresh_from_db()
    assert (attempt.state, given.closes_at) == ("ACTIVE", before)
    assert not Event.objects.exists()


@pytest.mark.parametrize("who", ["trainee", "assessor"])
def test_assigning_is_for_instructors(client, request, who, form):
    client.force_login(request.getfixturevalue(who))
    url = reverse("assign-exercise")
    assert client.get(url).status_code == 403
    assert client.post(url, form).status_code == 403
    assert not Exercise.objects.exists()
    assert User.objects.filter(time_zone="Europe/Berlin").count() == 0


def test_what_was_not_chosen_is_asked_for_by_its_name(teach, school):
    words = teach.words(teach.post("assign-exercise"))
    assert "Choose a scenario." in words
    assert "Choose a cohort." in words
    assert "Choose a mode." in words
    assert "Say when it opens." in words
