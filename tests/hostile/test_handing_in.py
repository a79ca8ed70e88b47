"""A trainee guesses, borrows and replays through the form, from many windows at once."""

import itertools
import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from range.assessment.models import Evidence, Submission
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db(transaction=True)
WINDOWS = 8
HTMX = {"HX-Request": "true"}
OBJECTIVES, CHECKS = ("enter", "mend", "report", "", "nowhere"), ("flag", "colour", "gone", "")


@pytest.fixture
def post(attempt, trainee):
    """Hand in by the form, each time from a window of its own."""

    def posted(value, *, check="flag", objective="enter", whose=attempt, who=trainee, **more):
        window = Client()
        window.force_login(who)
        form = {"objective": objective, "check": check, "value": value} | more
        return window.post(reverse("submit-answer", args=[whose.pk]), form, headers=HTMX)

    return posted


def at_once(work, values):
    """Have as many windows as there are do the work, each with values of its own."""
    values, lock, failed = iter(values), threading.Lock(), []

    def window():
        try:
            while True:
                with lock:
                    value = next(values, None)
                if value is None:
                    return
                work(value)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    windows = [threading.Thread(target=window) for _ in range(WINDOWS)]
    for each in windows:
        each.start()
    for each in windows:
        each.join()
    assert failed == []


def test_an_answer_cannot_be_guessed_from_many_windows(post, attempt):
    """Fifty guesses, then the right one; three are looked at."""
    at_once(lambda guess: post(guess, check="colour"), [f"colour {n}" for n in range(50)])
    assert post("red", check="colour").status_code == 200
    assert [row.accepted for row in Submission.objects.filter(check_id="colour")] == [False] * 3
    assert not Evidence.objects.exists()


def test_a_flag_cannot_be_guessed_from_many_windows(post, flag, attempt):
    """Even the right one does not count while so many wrong ones come."""
    good = flag()
    guesses = [good[:-3] + "".join(end) + "}" for end in itertools.product("ABCD", repeat=2)]
    at_once(post, [guess for guess in guesses if guess != good])
    assert "Too many flags in one minute" in post(good).content.decode()
    assert Submission.objects.count() == 5
    assert not Evidence.objects.exists()


def test_tries_are_neither_renewed_by_a_reset_nor_by_a_new_window(post, sandbox):
    for guess in ("blue", "green", "black"):
        post(guess, check="colour")
    Sandbox.objects.filter(pk=sandbox.pk).update(epoch=2)
    assert "All 3 tries" in post("red", check="colour").content.decode()
    assert not Evidence.objects.exists()


def test_what_another_attempt_was_given_counts_in_none(
    post, flag, attempt, trainee, other_trainee, exercise
):
    """Neither a friend's flag, nor one's own from before, nor a friend's window."""
    friends = Attempt.objects.create(trainee=other_trainee, exercise=exercise)
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.COLLECTED)
    own = Attempt.objects.create(trainee=trainee, exercise=exercise)
    for whose in (friends, attempt):
        assert "belongs to another attempt" in post(flag(whose=whose), whose=own).content.decode()
    kinds = [
        event.payload["source_attempt"]
        for event in events_of(own.pk, kinds=["integrity.foreign_flag"])
    ]
    assert kinds == [str(friends.pk), str(attempt.pk)]
    assert post(flag(whose=friends), whose=friends).status_code == 404
    assert post(flag(whose=own), whose=own, who=other_trainee).status_code == 404
    assert not Evidence.objects.exists()


def test_an_accepted_row_of_one_check_serves_no_other(post, flag, attempt):
    """Names are mixed, left out and given twice; only the one that is meant is met."""
    post(flag())
    for objective, check in itertools.product(OBJECTIVES, CHECKS):
        post(flag(), objective=objective, check=check)
        post([flag(), "red"], objective=[objective, "enter"], check=[check, "flag"])
    met = Evidence.objects.filter(outcome="MET").values_list("objective__key", "check_id")
    assert set(met) <= {("enter", "flag"), ("enter", "colour")}
    assert Evidence.objects.filter(check_id="flag").count() == 1


def test_a_right_flag_from_many_windows_is_one_row(post, flag):
    at_once(post, [flag()] * 12)
    assert (Submission.objects.count(), Evidence.objects.count()) == (1, 1)
