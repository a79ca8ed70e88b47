"""Guessing passwords is slowed down, and tells nothing about which names exist."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts import throttle
from range.accounts.models import SignInFailure

HERE = "192.0.2.7"


def fail(times, *, name="tia", address=HERE):
    for _ in range(times):
        throttle.note_failure(name=name, address=address)


def test_it_lets_a_few_mistakes_pass(db):
    fail(throttle.TRIES_PER_NAME - 1)
    throttle.refuse_if_throttled(name="tia", address=HERE)


@pytest.mark.parametrize("name", ["tia", "nobody-of-that-name"])
def test_it_refuses_a_name_after_too_many_whether_or_not_it_exists(trainee, name):
    fail(throttle.TRIES_PER_NAME, name=name)
    with pytest.raises(throttle.TooManyTries) as refused:
        throttle.refuse_if_throttled(name=name, address="198.51.100.1")
    assert (refused.value.status, refused.value.retryable) == (429, True)


def test_spelling_a_name_differently_does_not_help(db):
    fail(throttle.TRIES_PER_NAME, name="Tia ")
    with pytest.raises(throttle.TooManyTries):
        throttle.refuse_if_throttled(name="tIA", address="198.51.100.1")


def test_it_refuses_an_address_that_tries_many_names(db):
    for number in range(throttle.TRIES_PER_ADDRESS):
        throttle.note_failure(name=f"name{number}", address=HERE)
    with pytest.raises(throttle.TooManyTries):
        throttle.refuse_if_throttled(name="fresh", address=HERE)
    throttle.refuse_if_throttled(name="fresh", address="198.51.100.1")


def test_it_forgets_after_the_window(db):
    fail(throttle.TRIES_PER_NAME)
    SignInFailure.objects.update(at=timezone.now() - throttle.WINDOW - timedelta(seconds=1))
    throttle.refuse_if_throttled(name="tia", address=HERE)
    throttle.note_failure(name="tia", address=HERE)
    assert SignInFailure.objects.count() == 2


def test_it_forgets_a_name_that_signed_in_but_not_its_address(db):
    fail(throttle.TRIES_PER_ADDRESS)
    throttle.forget(name="tia")
    throttle.refuse_if_throttled(name="tia", address="198.51.100.1")
    with pytest.raises(throttle.TooManyTries):
        throttle.refuse_if_throttled(name="tia", address=HERE)


def test_it_never_keeps_the_name_that_was_typed(db):
    fail(1, name="my-password-in-the-wrong-field")
    assert not any("password" in failure.digest for failure in SignInFailure.objects.all())
