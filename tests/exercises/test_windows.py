"""When an exercise may be begun: before, within and after its window, and how often."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.cohorts import remove
from range.accounts.models import Membership, Organisation
from range.exercises import assigning, windows
from range.exercises.models import Attempt, Exercise, Extension
from range.exercises.services import begin
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def given(version, school, cohort, now):
    return Exercise.objects.create(
        version=version,
        organisation=school,
        cohort=cohort,
        opens_at=now - HOUR,
        closes_at=now + HOUR,
    )


@pytest.fixture
def terms(version, cohort, now):
    def make(**changes):
        usual = {
            "version": version,
            "cohort": cohort,
            "policy": Exercise.Policy.ASSESSED,
            "opens_at": now + HOUR,
            "closes_at": now + 2 * HOUR,
            "attempts_allowed": 1,
        }
        return assigning.Terms(**usual | changes)

    return make


def refused(trainee, exercise):
    with pytest.raises(windows.ExerciseRefused) as refusal:
        begin(trainee, exercise)
    assert not Attempt.objects.filter(exercise=exercise, state="ACTIVE").exists()
    return refusal.value.reason


def moved(exercise, **fields):
    Exercise.objects.filter(pk=exercise.pk).update(**fields)
    exercise.refresh_from_db()
    return exercise


def test_within_its_window_an_exercise_begins(trainee, given):
    assert begin(trainee, given).state == Attempt.State.ACTIVE


def test_before_it_opens_it_does_not(trainee, given, now):
    moved(given, opens_at=now + timedelta(minutes=5))
    assert refused(trainee, given) == "not-open-yet"


def test_after_it_closed_it_does_not(trainee, given, now):
    moved(given, closes_at=now - timedelta(seconds=1))
    assert refused(trainee, given) == "exercise-closed"


def test_whoever_has_begun_goes_on_after_the_end(trainee, given, now):
    attempt = begin(trainee, given)
    moved(given, closes_at=now - timedelta(seconds=1))
    assert begin(trainee, given) == attempt


def test_an_extension_counts_for_one(trainee, other_trainee, given, now, instructor):
    moved(given, closes_at=now - timedelta(seconds=1))
    assigning.extend_for(given, trainee, now + HOUR, viewer=instructor)
    assert begin(trainee, given)
    assert Attempt.objects.count() == 1
    with pytest.raises(windows.ExerciseRefused):
        begin(other_trainee, given)


def test_attempts_are_counted(trainee, given):
    moved(given, attempts_allowed=2)
    for _ in range(2):
        attempt = begin(trainee, given)
        Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.GRADED)
    assert refused(trainee, given) == "attempts-used"


def test_an_open_attempt_is_not_another_one(trainee, given):
    moved(given, attempts_allowed=1)
    assert begin(trainee, given) == begin(trainee, given)


def test_practice_that_is_open_to_all_asks_nothing_more(
    trainee, exercise, django_assert_num_queries
):
    with django_assert_num_queries(0):
        windows.refuse_to_begin(trainee, exercise)


def test_what_is_assigned_is_the_cohorts_own(trainee, given, person, school, instructor, cohort):
    assert list(windows.assigned_to(trainee)) == [given]
    assert not windows.assigned_to(person("una", school, Membership.Role.TRAINEE))
    assert not windows.assigned_to(instructor)
    remove(cohort, trainee, viewer=instructor)
    assert not windows.assigned_to(trainee)


# --- what an instructor does ---------------------------------------------------------------------


def test_an_exercise_is_assigned_with_its_terms(terms, instructor, cohort):
    made = assigning.assign(terms(), viewer=instructor)
    assert (made.cohort, made.organisation) == (cohort, cohort.organisation)
    assert (made.policy, made.attempts_allowed) == ("ASSESSED", 1)
    event = events_of(made.pk).get()
    assert (event.kind, event.actor) == ("exercise.assigned", f"instructor:{instructor.pk}")


@pytest.mark.parametrize(
    "changes",
    [
        {"closes_at": "early"},
        {"closes_at": "past", "opens_at": "past"},
        {"attempts_allowed": 0},
        {"attempts_allowed": 21},
    ],
)
def test_terms_that_make_no_sense_are_refused(terms, instructor, now, changes):
    times = {"early": now + timedelta(minutes=1), "past": now - HOUR}
    changed = {name: times.get(value, value) for name, value in changes.items()}
    with pytest.raises(assigning.AssigningRefused):
        assigning.assign(terms(**changed), viewer=instructor)
    assert not Exercise.objects.exists()


def test_it_changes_before_it_opens_and_not_afterwards(terms, instructor, now):
    made = assigning.assign(terms(), viewer=instructor)
    assigning.change(made, terms(policy="PRACTICE", closes_at=None), viewer=instructor)
    made.refresh_from_db()
    assert (made.policy, made.closes_at) == ("PRACTICE", None)
    moved(made, opens_at=now - HOUR)
    with pytest.raises(assigning.AssigningRefused) as refusal:
        assigning.change(made, terms(), viewer=instructor)
    assert refusal.value.reason == "already-open"
    made.refresh_from_db()
    assert made.policy == "PRACTICE"


def test_closing_ends_the_window_and_every_extension(trainee, given, now, instructor):
    assigning.extend_for(given, trainee, now + 3 * HOUR, viewer=instructor)
    assert assigning.close(given, viewer=instructor)
    assert not assigning.close(given, viewer=instructor)
    given.refresh_from_db()
    assert windows.window_for(given, trainee.pk).state == "closed"
    assert not Extension.objects.exists()
    kinds = [event.kind for event in events_of(given.pk)]
    assert kinds == ["exercise.extended_for", "exercise.closed"]


def test_closed_before_it_opens_it_never_does(terms, instructor, trainee):
    made = assigning.assign(terms(), viewer=instructor)
    assigning.close(made, viewer=instructor)
    made.refresh_from_db()
    assert made.closes_at == made.opens_at
    moved(made, opens_at=timezone.now() - HOUR, closes_at=timezone.now() - HOUR)
    assert refused(trainee, made) == "exercise-closed"


def test_extending_is_told_to_whoever_is_at_work(trainee, given, now, instructor):
    attempt = begin(trainee, given)
    assigning.extend(given, now + 2 * HOUR, viewer=instructor)
    told = events_of(attempt.pk).get(kind="exercise.extended")
    assert told.actor == f"instructor:{instructor.pk}"


def test_an_end_moves_only_later(trainee, given, now, instructor):
    for until in (now + timedelta(minutes=1), now - HOUR):
        with pytest.raises(assigning.AssigningRefused):
            assigning.extend(given, until, viewer=instructor)
        with pytest.raises(assigning.AssigningRefused):
            assigning.extend_for(given, trainee, until, viewer=instructor)
    moved(given, closes_at=None)
    with pytest.raises(assigning.AssigningRefused):
        assigning.extend(given, now + HOUR, viewer=instructor)
    with pytest.raises(assigning.AssigningRefused):
        assigning.extend_for(given, trainee, now + HOUR, viewer=instructor)


def test_an_exercise_of_another_school_or_of_nobody_looks_as_if_there_were_none(
    person, given, exercise, instructor
):
    far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    fay = person("fay", far, Membership.Role.INSTRUCTOR)
    assert assigning.exercise_of(instructor, given.pk) == given
    for viewer, pk in ((fay, given.pk), (instructor, exercise.pk)):
        with pytest.raises(assigning.ExerciseMissing):
            assigning.exercise_of(viewer, pk)
