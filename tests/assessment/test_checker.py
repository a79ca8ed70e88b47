"""Whose checks run when: a class at long checks keeps nobody else waiting."""

import threading
from types import SimpleNamespace
from uuid import uuid4

import pytest

from range.assessment.checker import LONG_SECONDS, SWEEP_EVERY, WORKERS, Checker

LONG, QUICK = 1, 2


def attempt_at(version):
    return SimpleNamespace(pk=uuid4(), exercise=SimpleNamespace(version_id=version))


@pytest.fixture
def checker(monkeypatch):
    made = Checker(driver=lambda: None)
    monkeypatch.setattr(made, "_in_own_connection", lambda attempt_id, work: work(attempt_id))
    return made


def test_a_class_at_long_checks_keeps_nobody_else_waiting(checker):
    checker._took[LONG] = LONG_SECONDS * 4
    go_on, done = threading.Event(), threading.Event()
    for _ in range(10):
        checker._begin(attempt_at(LONG), lambda _: go_on.wait(10))
    checker._begin(attempt_at(QUICK), lambda _: done.set())
    try:
        assert done.wait(5)
    finally:
        go_on.set()
        checker.settle()


def test_what_a_version_took_last_decides_where_it_waits_next(checker):
    """The first time nobody knows; later it goes where it belongs, and comes back."""
    names = []
    for seconds in (0, LONG_SECONDS * 2, 0.1):
        checker._took[LONG] = seconds
        checker._begin(attempt_at(LONG), lambda _: names.append(threading.current_thread().name))
        checker.settle()
    assert [name.rpartition("_")[0] for name in names] == ["check", "long-check", "check"]
    assert checker._took[LONG] < LONG_SECONDS


def test_one_attempt_is_judged_one_at_a_time(checker):
    go_on, begun = threading.Event(), []
    attempt = attempt_at(QUICK)
    for _ in range(WORKERS):
        checker._begin(attempt, lambda _: (begun.append(1), go_on.wait(5)))
    go_on.set()
    checker.settle()
    assert begun == [1]


def test_what_takes_long_is_looked_at_less_often_unasked(checker):
    attempt = attempt_at(LONG)
    assert checker._sweep_every(attempt) == SWEEP_EVERY
    checker._took[LONG] = 15.0
    assert checker._sweep_every(attempt) >= 5 * SWEEP_EVERY
