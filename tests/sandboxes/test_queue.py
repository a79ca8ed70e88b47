"""The line of launches: fair to persons and cohorts, with a place and an estimate for each."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from range.accounts.models import Cohort, Membership, User
from range.runtime.fake import FakeDriver
from range.sandboxes import queue, services
from range.sandboxes.models import Sandbox
from range.sandboxes.reconciler import Reconciler

pytestmark = pytest.mark.django_db(transaction=True)
State = Sandbox.State


@pytest.fixture
def arrive(school, exercise):
    """Somebody of a cohort presses Launch; who is named by the first word of the name."""

    def press(name, cohort="", *, state=State.REQUESTED):
        trainee, is_new = User.objects.get_or_create(username=name)
        if is_new:
            found = Cohort.objects.get_or_create(organisation=school, name=cohort)[0]
            Membership.objects.create(
                person=trainee,
                organisation=school,
                role=Membership.Role.TRAINEE,
                cohort=found if cohort else None,
            )
        attempt = exercise.attempts.create(trainee=trainee, state="GRADED")
        return Sandbox.objects.create(
            attempt=attempt, state=state, expires_at=timezone.now() + timedelta(hours=1)
        )

    return press


def names():
    return [row.attempt.trainee.username for row in queue.in_order()]


def test_who_came_first_is_served_first(arrive):
    for name in ("ada", "ben", "cleo"):
        arrive(name, "one")
    assert names() == ["ada", "ben", "cleo"]


def test_somebody_who_asks_for_two_waits_with_the_second(arrive):
    arrive("ada", "one")
    arrive("ada", "one")
    arrive("ben", "one")
    assert names() == ["ada", "ben", "ada"]


def test_somebody_who_has_one_lets_others_go_first(arrive):
    arrive("ada", "one", state=State.RUNNING)
    arrive("ada", "one")
    arrive("ben", "one")
    assert names() == ["ben", "ada"]


def test_a_large_cohort_does_not_keep_a_small_one_waiting(arrive):
    for number in range(6):
        arrive(f"big-{number}", "big")
    arrive("small-0", "small")
    arrive("small-1", "small")
    assert names()[:4] == ["big-0", "small-0", "big-1", "small-1"]


def test_people_without_a_cohort_are_not_one_cohort(arrive):
    arrive("ada", "one")
    arrive("ben", "one")
    arrive("solo-0")
    arrive("solo-1")
    assert names() == ["ada", "solo-0", "solo-1", "ben"]


def test_a_launch_that_was_called_off_does_not_wait(arrive):
    arrive("ada", "one")
    Sandbox.objects.update(wanted=Sandbox.Wanted.STOPPED)
    arrive("ben", "one")
    assert names() == ["ben"]


def test_a_place_comes_with_an_estimate_from_the_latest_launches(arrive, settings):
    settings.RANGE_LAUNCH_CONCURRENCY = 2
    now = timezone.now()
    for seconds in (3, 4, 50):
        row = arrive(f"done-{seconds}", "one", state=State.STOPPED)
        Sandbox.objects.filter(pk=row.pk).update(
            claimed_at=now, started_at=now + timedelta(seconds=seconds)
        )
    waiting = [arrive(f"w-{number}", "one") for number in range(4)]
    places = [queue.place_of(row) for row in waiting]
    assert [place.before for place in places] == [0, 1, 2, 3]
    assert [place.wait.total_seconds() for place in places] == [4, 4, 8, 8]


def test_before_any_launch_the_estimate_is_a_guess(arrive):
    assert queue.place_of(arrive("ada", "one")).wait == queue.FIRST_GUESS


def test_no_more_begin_than_may_and_the_next_follows_by_itself(
    exercise, school, monkeypatch, settings
):
    settings.RANGE_DRIVER = "fake"
    driver, gate, together = FakeDriver(), threading.Semaphore(0), []
    start = driver.start

    def slow(*arguments, **options):
        together.append(Sandbox.objects.filter(state=State.STARTING).count())
        assert gate.acquire(timeout=10)
        return start(*arguments, **options)

    monkeypatch.setattr(driver, "start", slow)
    monkeypatch.setattr("range.sandboxes.reconciler.get_driver", lambda name: driver)
    for number in range(5):
        trainee = User.objects.create_user(f"t-{number}")
        Membership.objects.create(person=trainee, organisation=school, role=Membership.Role.TRAINEE)
        services.launch(trainee, exercise)
    reconciler, ended = Reconciler(driver_name="fake", concurrency=2), threading.Event()
    # Its threads end with the process, which here is not the role's.
    monkeypatch.setattr(reconciler._care, "follow", lambda ended: None)

    def run():
        try:
            reconciler.run(ended)
        finally:
            connection.close()

    role = threading.Thread(target=run)
    role.start()
    try:
        for _ in range(5):
            gate.release()
        deadline = timezone.now() + timedelta(seconds=30)
        while Sandbox.objects.filter(state=State.RUNNING).count() < 5:
            assert timezone.now() < deadline
            threading.Event().wait(0.05)
    finally:
        ended.set()
        role.join(20)
    assert max(together) <= 2
    assert len(together) == 5
