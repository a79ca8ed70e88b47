"""Attempts begin once, close once, and belong to their trainee."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from range.accounts.models import Membership, Organisation
from range.catalog.models import ScenarioVersion
from range.exercises import services
from range.exercises.models import Attempt, Exercise
from range.timeline.services import broken_at, events_of

State = Attempt.State


def test_it_begins_an_attempt_and_tells_the_timeline(trainee, exercise):
    attempt = services.begin(trainee, exercise)
    assert attempt.state == State.ACTIVE
    events = list(events_of(attempt.pk))
    assert [event.kind for event in events] == ["attempt.begun"]
    assert events[0].payload["scenario"] == exercise.version.digest


def test_beginning_again_gives_the_same_attempt(trainee, exercise):
    assert services.begin(trainee, exercise) == services.begin(trainee, exercise)
    assert Attempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_gives_one_attempt(trainee, exercise):
    found = []

    def click():
        found.append(services.begin(trainee, exercise).pk)
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(6)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_after_a_finished_attempt_a_new_one_can_begin(trainee, exercise):
    first = services.begin(trainee, exercise)
    services.finish(first.pk, reason="finished", actor="range")
    services.mark_collected(first.pk)
    assert services.begin(trainee, exercise) != first


def test_nobody_else_gets_the_attempt(attempt, other_trainee, instructor, trainee):
    assert services.attempt_of(trainee, attempt.pk) == attempt
    for stranger in (other_trainee, instructor):
        with pytest.raises(services.AttemptMissing) as refused:
            services.attempt_of(stranger, attempt.pk)
        assert refused.value.status == 404


def test_a_finished_attempt_takes_no_work(attempt, trainee):
    services.finish(attempt.pk, reason="finished", actor="range")
    with pytest.raises(services.AttemptClosed):
        services.active_attempt_of(trainee, attempt.pk)


def test_it_closes_only_once(attempt):
    assert services.finish(attempt.pk, reason="finished", actor="range")
    assert not services.finish(attempt.pk, reason="time-over", actor="range")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.finish_reason) == (State.FINISHING, "finished")
    assert events_of(attempt.pk, kinds=["attempt.finished"]).count() == 1


def test_states_follow_one_another_and_skip_none(attempt):
    assert not services.mark_collected(attempt.pk)
    assert not services.mark_graded(attempt.pk)
    services.finish(attempt.pk, reason="finished", actor="range")
    assert not services.mark_graded(attempt.pk)
    assert services.mark_collected(attempt.pk)
    assert services.mark_graded(attempt.pk)
    attempt.refresh_from_db()
    assert attempt.state == State.GRADED
    assert attempt.graded_at is not None
    assert broken_at(attempt.pk) is None


def test_checks_are_wanted_once_in_a_while_at_most(monkeypatch, attempt):
    monkeypatch.setattr(services, "CHECKS_DEBOUNCE", timedelta(hours=1))
    assert services.want_checks(attempt.pk)
    assert not services.want_checks(attempt.pk)
    earlier = timezone.now() - services.CHECKS_DEBOUNCE - timedelta(seconds=1)
    Attempt.objects.update(checks_wanted_at=earlier)
    assert services.want_checks(attempt.pk)


def test_an_attempt_waits_for_checks_until_they_ran(attempt):
    assert not services.awaiting_checks()
    services.want_checks(attempt.pk)
    assert list(services.awaiting_checks()) == [attempt]
    Attempt.objects.update(checks_run_at=timezone.now())
    assert not services.awaiting_checks()


def test_a_published_version_is_offered_once_to_every_school(version, school, agency):
    assert services.open_practice(version) == 1
    assert services.open_practice(version) == 0
    assert [exercise.organisation for exercise in Exercise.objects.all()] == [school]


def test_a_trainee_is_offered_what_their_school_has_open(trainee, exercise):
    assert list(services.offered_to(trainee)) == [exercise]


@pytest.mark.parametrize(
    "change",
    [
        {"opens_at": timedelta(hours=1)},
        {"opens_at": -timedelta(hours=1), "closes_at": -timedelta(seconds=1)},
    ],
)
def test_what_is_not_open_is_not_offered(trainee, exercise, change):
    now = timezone.now()
    Exercise.objects.update(**{field: now + ahead for field, ahead in change.items()})
    assert not services.offered_to(trainee)


def test_a_retired_scenario_is_not_offered(trainee, exercise):
    exercise.version.scenario.retired_at = timezone.now()
    exercise.version.scenario.save()
    assert not services.offered_to(trainee)


def test_only_the_newest_version_is_offered(trainee, exercise, school):
    newer = ScenarioVersion.objects.create(
        scenario=exercise.version.scenario,
        version="1.1.0",
        digest="b" * 64,
        spec=exercise.version.spec,
    )
    later = Exercise.objects.create(version=newer, organisation=school)
    assert list(services.offered_to(trainee)) == [later]


def test_another_schools_exercise_is_not_offered(exercise, person):
    other = Organisation.objects.create(slug="far", name="Far", kind=Organisation.Kind.SCHOOL)
    assert not services.offered_to(person("fay", other, Membership.Role.TRAINEE))


def test_an_assessor_is_offered_nothing(exercise, assessor):
    assert not services.offered_to(assessor)
