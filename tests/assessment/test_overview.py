"""Many attempts at a glance: the same as one by one, in no more queries."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.models import User
from range.assessment.models import Evidence, ReviewItem
from range.assessment.overview import overview_of
from range.assessment.status import status_of
from range.exercises.models import Attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def judge(version):
    def do(attempt, key, check, outcome, *, ago=0):
        return Evidence.objects.create(
            attempt=attempt,
            objective=version.objectives.get(key=key),
            check_id=check,
            kind="flag",
            outcome=outcome,
            score=1.0 if outcome == "MET" else 0.0,
            reason="test",
            observed_at=timezone.now() - timedelta(minutes=ago),
            grader_version="test",
            sha256="0" * 64,
        )

    return do


def states(attempt):
    return overview_of([attempt], epochs={})[attempt.pk].states


def test_an_attempt_that_just_began_has_met_nothing(attempt):
    assert states(attempt) == {"enter": "open", "mend": "open", "report": "open"}


def test_each_state_is_told(attempt, version, judge):
    judge(attempt, "enter", "flag", "MET")
    judge(attempt, "mend", "gone", "MET")
    ReviewItem.objects.create(
        attempt=attempt,
        objective=version.objectives.get(key="report"),
        check_id="report",
        criterion="cause",
    )
    assert states(attempt) == {"enter": "partial", "mend": "met", "report": "waiting"}


def test_it_says_the_same_as_the_attempts_own_page(attempt, judge):
    for check, outcome in (("flag", "MET"), ("colour", "UNMET"), ("colour", "MET")):
        judge(attempt, "enter", check, outcome)
    judge(attempt, "mend", "gone", "INCONCLUSIVE")
    met = {each.key for each in status_of(attempt) if each.is_met}
    assert {key for key, state in states(attempt).items() if state == "met"} == met == {"enter"}


def test_what_was_corrected_counts_no_more(attempt, judge):
    wrong = judge(attempt, "mend", "gone", "MET", ago=2)
    right = judge(attempt, "mend", "gone", "UNMET", ago=1)
    assert right.supersedes is None
    Evidence.objects.create(
        attempt=attempt,
        objective=wrong.objective,
        check_id="gone",
        kind="file",
        outcome="UNMET",
        score=0.0,
        reason="corrected",
        supersedes=wrong,
        grader_version="test",
        sha256="0" * 64,
    )
    assert states(attempt)["mend"] == "open"


def test_progress_is_when_a_check_was_newly_met_and_not_when_seen_again(attempt, judge):
    first = judge(attempt, "mend", "gone", "MET", ago=30)
    judge(attempt, "mend", "gone", "MET", ago=1)
    view = overview_of([attempt], epochs={})[attempt.pk]
    assert view.progress_at == first.observed_at


def test_many_attempts_take_no_more_queries(exercise, attempt, judge, django_assert_num_queries):
    for number in range(12):
        person = User.objects.create_user(username=f"many-{number}", password="x")
        other = Attempt.objects.create(trainee=person, exercise=exercise)
        judge(other, "mend", "gone", "MET")
    attempts = list(Attempt.objects.select_related("exercise__version"))
    with django_assert_num_queries(2):
        found = overview_of(attempts, epochs={})
    assert sum(view.states["mend"] == "met" for view in found.values()) == 12
