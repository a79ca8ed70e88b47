"""Flags and answers: what counts, what does not, and what cheating leaves behind."""

import threading

import pytest
from django.db import connection

from range.assessment import services
from range.assessment.models import Evidence, Submission
from range.exercises.models import Attempt
from range.exercises.services import AttemptClosed, finish
from range.sandboxes.models import Sandbox
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db


def test_the_attempts_own_flag_is_accepted_and_becomes_evidence(hand_in, flag, attempt):
    receipt = hand_in(flag())
    assert (receipt.accepted, receipt.reason) == (True, "flag-accepted")
    row = Evidence.objects.get()
    assert (row.check_id, row.outcome, row.score, row.source) == ("flag", "MET", 1.0, "CHECK")


def test_blanks_around_a_flag_do_not_matter(hand_in, flag):
    assert hand_in(f"  {flag()}\n").accepted


@pytest.mark.parametrize("guess", ["", "FLAG{}", "FLAG{AAAA}", "flag", "FLAG{" + "A" * 52 + "}"])
def test_a_guess_is_refused_and_leaves_no_evidence(hand_in, guess):
    receipt = hand_in(guess)
    assert (receipt.accepted, receipt.reason) == (False, "flag-wrong")
    assert not Evidence.objects.exists()


def test_zero_bytes_in_an_answer_are_a_wrong_answer(hand_in):
    assert hand_in("re\0d", check="colour").reason == "answer-wrong"
    assert Submission.objects.get().value == "re\ufffdd"


def test_one_changed_letter_is_refused(hand_in, flag):
    good = flag()
    last = "A" if good[-2] != "A" else "B"
    assert not hand_in(good[:-2] + last + "}").accepted


def test_another_attempts_flag_is_an_integrity_event_that_names_its_source(
    hand_in, flag, attempt, other_trainee, exercise
):
    other = Attempt.objects.create(trainee=other_trainee, exercise=exercise)
    receipt = hand_in(flag(whose=other))
    assert (receipt.accepted, receipt.reason) == (False, "flag-foreign")
    event = events_of(attempt.pk, kinds=["integrity.foreign_flag"]).get()
    assert event.payload["source_attempt"] == str(other.pk)
    assert not Evidence.objects.exists()


def test_a_flag_from_before_a_reset_is_refused(hand_in, flag, attempt, sandbox):
    old = flag(epoch=1)
    Sandbox.objects.filter(pk=sandbox.pk).update(epoch=2)
    assert hand_in(old).reason == "flag-old"
    assert hand_in(flag(epoch=2)).accepted


def test_neither_row_nor_event_holds_the_flag(hand_in, flag, attempt):
    hand_in(flag())
    hand_in("FLAG{" + "B" * 52 + "}")
    stored = [str(vars(row)) for row in (*Submission.objects.all(), *Evidence.objects.all())]
    stored += [str(event.payload) for event in events_of(attempt.pk)]
    assert flag() not in " ".join(stored)


def test_handing_in_twice_is_one_piece_of_evidence(hand_in, flag):
    hand_in(flag())
    again = hand_in(flag())
    assert (again.accepted, again.reason) == (True, "already-accepted")
    assert (Submission.objects.count(), Evidence.objects.count()) == (1, 1)


def test_guessing_fast_is_slowed_down(hand_in, flag):
    for _ in range(5):
        hand_in("FLAG{no}")
    with pytest.raises(services.SubmissionRefused) as refused:
        hand_in(flag())
    assert (refused.value.reason, refused.value.status) == ("throttled", 429)
    assert not Evidence.objects.exists()


def test_an_answer_is_compared_and_its_tries_are_counted(hand_in):
    assert not hand_in("blue", check="colour").accepted
    assert hand_in(" RED ", check="colour").accepted


def test_an_answer_has_so_many_tries_and_no_more(hand_in):
    for guess in ("blue", "green", "black"):
        hand_in(guess, check="colour")
    with pytest.raises(services.SubmissionRefused) as refused:
        hand_in("red", check="colour")
    assert refused.value.reason == "no-tries-left"


@pytest.mark.parametrize(
    ("objective", "check"),
    [("enter", "nothing"), ("nowhere", "flag"), ("mend", "gone"), ("report", "report")],
)
def test_only_what_takes_an_answer_takes_one(hand_in, flag, objective, check):
    with pytest.raises(services.SubmissionRefused) as refused:
        hand_in(flag(), check=check, objective=objective)
    assert refused.value.status == 404
    assert not Submission.objects.exists()


def test_a_very_long_answer_is_refused_unread(hand_in):
    with pytest.raises(services.SubmissionRefused, match="2001 characters"):
        hand_in("x" * 2001)
    assert not Submission.objects.exists()


def test_a_finished_attempt_takes_nothing(hand_in, flag, attempt):
    finish(attempt.pk, reason="finished", actor="range")
    with pytest.raises(AttemptClosed):
        hand_in(flag())
    assert not Evidence.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_flag_from_many_tabs_at_once_is_one_row(attempt, flag):
    value, accepted = flag(), []

    def tab():
        receipt = services.submit(attempt, objective="enter", check="flag", value=value)
        accepted.append(receipt.accepted)
        connection.close()

    tabs = [threading.Thread(target=tab) for _ in range(5)]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()
    assert accepted == [True] * 5
    assert (Submission.objects.count(), Evidence.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_guessing_from_many_tabs_at_once_uses_up_the_same_tries(attempt):
    refused = []

    def tab(guess):
        try:
            services.submit(attempt, objective="enter", check="colour", value=guess)
        except services.SubmissionRefused as error:
            refused.append(error.reason)
        finally:
            connection.close()

    tabs = [threading.Thread(target=tab, args=(f"guess {n}",)) for n in range(8)]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()
    assert Submission.objects.count() == 3
    assert refused == ["no-tries-left"] * 5
