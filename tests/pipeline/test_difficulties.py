"""Difficulty out of rows: whose attempts count, when it is rebuilt, and what pages are told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.models import Membership
from range.catalog.models import Scenario
from range.competencies.models import ObservableSkill
from range.management.commands import run_worker
from range.pipeline.difficulties import known_difficulties, refresh_difficulties
from range.pipeline.models import ScenarioDifficulty, SkillEstimate
from range.pipeline.parameters import CURRENT

pytestmark = pytest.mark.django_db
ESTIMATED = timedelta(minutes=10)


@pytest.fixture
def attempted(person, school, cohort, finished):
    """Make graded attempts of trainees of their own."""
    names = iter(range(10_000))

    def make(exercise, count=1, *, passed=False, took=ESTIMATED, who=None, **grade):
        made = []
        for _ in range(count):
            trainee = who or person(f"first{next(names)}", school, Membership.Role.TRAINEE, cohort)
            attempt = finished(trainee, exercise)
            attempt.started_at = attempt.finished_at - took
            attempt.save()
            known = {"share": float(passed), "passed": passed, "provisional": False}
            attempt.grades.create(**(known | grade), grader_version="1")
            made.append(attempt)
        return made

    return make


def row():
    refresh_difficulties()
    return ScenarioDifficulty.objects.get()


def told(exercise, declared=3):
    scenario = exercise.version.scenario_id
    return known_difficulties({scenario: declared})[scenario]


def test_many_who_fail_make_it_harder_and_it_says_from_how_many(publish, attempted):
    exercise = publish()
    attempted(exercise, 9)
    made = row()
    assert (made.declared, made.practice, made.assessed, made.passed) == (3, 9, 0, 0)
    assert made.logits > 0.3
    assert told(exercise).is_measured
    assert told(exercise).logits == made.logits


def test_practice_and_assessed_are_counted_apart(publish, attempted):
    attempted(publish(policy="ASSESSED"), 2, passed=True)
    attempted(publish(), 1)
    made = row()
    assert (made.practice, made.assessed, made.passed) == (1, 2, 2)


def test_only_the_first_attempt_of_a_trainee_counts(publish, attempted, trainee):
    exercise = publish()
    attempted(exercise, who=trainee, took=timedelta(hours=2))
    attempted(exercise, who=trainee, passed=True)
    assert (row().practice, row().passed) == (1, 0)


def test_staff_who_know_the_solution_do_not_count(publish, attempted, instructor):
    attempted(publish(), who=instructor, passed=True)
    assert row().practice == 0


def test_a_grade_that_waits_for_somebody_counts_once_it_is_final(publish, attempted):
    (attempt,) = attempted(publish(), provisional=True)
    assert row().practice == 0
    attempt.grades.create(share=1.0, passed=True, provisional=False, grader_version="1")
    assert (row().practice, row().passed) == (1, 1)


def test_hints_make_a_success_say_less(publish, attempted, judged):
    exercise = publish()
    made = attempted(exercise, 10, passed=True)
    unaided = row().logits
    for attempt in made:
        judged(attempt, "gain", "flag", hint_rung=3)
    attempted(exercise, 1, passed=True)
    assert row().logits > unaided


def test_what_is_believed_of_the_trainees_counts(publish, attempted):
    exercise = publish()
    skill = ObservableSkill.objects.create(key="harden-privilege-rules", name="Harden")
    made = attempted(exercise, 10, passed=True)
    without = row().logits
    for attempt in made:
        SkillEstimate.objects.create(
            trainee=attempt.trainee,
            skill=skill,
            mean=1.5,
            sd=0.4,
            evidence_count=9,
            scenario_count=4,
            hinted_count=0,
            attested_count=9,
            parameter_set=CURRENT.name,
            updated_at=timezone.now(),
        )
    attempted(exercise, 1, passed=True)
    assert row().logits > without


def test_a_new_word_of_the_author_begins_anew(publish, attempted):
    attempted(publish(), 9)
    assert row().logits > 0.3
    later = publish(difficulty=2)
    assert told(later, declared=2).logits == CURRENT.difficulty_of(2)
    attempted(later, 1, passed=True)
    made = row()
    assert (made.declared, made.practice) == (2, 1)


def test_nothing_is_rebuilt_that_has_nothing_new(publish, attempted, django_assert_num_queries):
    attempted(publish(), 2)
    attempted(publish("other"), 2)
    assert refresh_difficulties() == 2
    with django_assert_num_queries(1):
        assert refresh_difficulties() == 0
    attempted(publish("other"), 1)
    assert refresh_difficulties() == 1


def test_a_rebuild_takes_as_many_queries_for_many_attempts_as_for_few(
    publish, attempted, django_assert_max_num_queries
):
    attempted(publish(), 30)
    with django_assert_max_num_queries(8):
        refresh_difficulties()


def test_a_row_of_another_parameter_set_is_not_told(publish, attempted):
    exercise = publish()
    attempted(exercise, 9)
    refresh_difficulties()
    ScenarioDifficulty.objects.update(parameter_set="1999.1")
    assert not told(exercise).is_measured


def test_a_retired_scenario_is_left_alone(publish, attempted):
    attempted(publish(), 2)
    Scenario.objects.update(retired_at=timezone.now())
    assert refresh_difficulties() == 0


def test_the_worker_rebuilds_when_it_starts_and_then_every_ten_minutes(monkeypatch):
    done = []
    monkeypatch.setattr(run_worker, "refresh_difficulties", lambda: done.append(1))
    monkeypatch.setattr(run_worker, "complete_all", lambda: None)
    monkeypatch.setattr(run_worker, "refresh_reviewed", lambda: None)
    rounds, now = [0.0, 500.0, 601.0, 700.0], [0.0]
    monkeypatch.setattr(run_worker.clock, "monotonic", lambda: now[0])

    class NoListener:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def wait(self, _):
            now[0] = rounds.pop(0)

    class UntilNoneIsLeft:
        def is_set(self):
            return not rounds

    monkeypatch.setattr(run_worker, "Listener", NoListener)
    run_worker.Command().run(UntilNoneIsLeft())
    assert len(done) == 2
