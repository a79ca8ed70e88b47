"""Machines that nobody is at are frozen, and go on before anybody has to wait."""

import threading
from copy import deepcopy
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from range.assessment.checker import Checker
from range.assessment.collection import StillPaused, collect, run_checks
from range.assessment.models import Evidence
from range.exercises.models import Attempt
from range.exercises.services import finish, want_checks
from range.lib.notify import Listener, conninfo
from range.sandboxes import activity, pauses, services
from range.sandboxes.models import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(minutes=34)


@pytest.fixture
def left(running):
    """A running sandbox that nobody has been at for a while."""
    ago = timezone.now() - LONG_AGO
    Sandbox.objects.filter(pk=running.pk).update(started_at=ago, seen_at=ago)
    return running


@pytest.fixture
def asleep(left, reconcile):
    reconcile()
    return left


def is_frozen(driver, sandbox):
    return driver.sandboxes[sandbox.pk].paused


def test_machines_that_nobody_is_at_are_frozen(left, reconcile, driver, now, told):
    reconcile()
    assert is_frozen(driver, left)
    assert now().paused_at is not None
    assert now().state == Sandbox.State.RUNNING
    ((_, payload),) = told("sandbox.paused")
    assert (payload["reason"], payload["minutes"]) == ("idle", 30)


def test_they_are_frozen_once(asleep, reconcile, driver, told):
    reconcile()
    assert driver.calls.count("pause") == 1
    assert len(told("sandbox.paused")) == 1


@pytest.mark.parametrize(
    "change",
    [
        # Counted from when the test runs, which may be long after it was collected.
        {"seen_at": Now() + timedelta(hours=1)},
        {"seen_at": None, "started_at": Now() + timedelta(hours=1)},
        {"wanted": Sandbox.Wanted.STOPPED, "state": Sandbox.State.STARTING},
        {"state": Sandbox.State.FAILED},
    ],
)
def test_machines_that_are_used_or_not_running_are_not(left, reconcile, driver, change):
    Sandbox.objects.update(**change)
    reconcile()
    assert "pause" not in driver.calls


def test_a_sandbox_that_nobody_ever_opened_is_paused_too(left, reconcile, driver):
    Sandbox.objects.update(seen_at=None)
    reconcile()
    assert is_frozen(driver, left)


def test_presence_that_is_noted_late_is_allowed_for(left, reconcile, driver):
    Sandbox.objects.update(seen_at=timezone.now() - timedelta(minutes=31))
    reconcile()
    assert "pause" not in driver.calls


def test_a_scenario_says_how_long(left, version, reconcile, driver):
    spec = deepcopy(version.spec)
    spec["lifecycle"] = {"idle_minutes": 45}
    type(version).objects.update(spec=spec)
    reconcile()
    assert "pause" not in driver.calls
    Sandbox.objects.update(seen_at=timezone.now() - timedelta(minutes=48))
    reconcile()
    assert is_frozen(driver, left)


def test_the_setting_says_it_where_the_scenario_does_not(left, settings, reconcile, driver):
    settings.RANGE_IDLE_MINUTES = 60
    reconcile()
    assert "pause" not in driver.calls


def test_the_setting_switches_it_off(left, settings, reconcile, driver):
    settings.RANGE_IDLE_MINUTES = 0
    reconcile()
    assert "pause" not in driver.calls


def test_what_is_being_judged_is_not_paused(left, reconcile, driver, attempt):
    want_checks(attempt.pk)
    reconcile()
    assert "pause" not in driver.calls
    Attempt.objects.update(checks_run_at=timezone.now())
    reconcile()
    assert is_frozen(driver, left)


def test_what_is_being_collected_is_not_paused(left, reconcile, driver, attempt):
    finish(attempt.pk, reason="finished", actor="range")
    reconcile()
    assert "pause" not in driver.calls


def test_somebody_who_comes_has_it_resumed(asleep, reconcile, driver, now, told):
    activity.touch([asleep.pk])
    reconcile()
    assert not is_frozen(driver, asleep)
    assert now().paused_at is None
    assert [kind for kind, _ in told()] == ["paused", "resumed"]


def test_coming_wakes_the_reconciler_at_once(asleep, loopback):
    from django.db import connection

    with Listener(conninfo(connection.settings_dict), "sandboxes") as listener:
        listener.wait(timedelta(seconds=5))
        activity.touch([asleep.pk])
        wakes = listener.wait(timedelta(seconds=5))
    assert [wake.payload for wake in wakes] == [str(asleep.attempt_id)]


def test_presence_is_written_once_a_minute(running, now, django_assert_num_queries):
    activity.touch([running.pk])
    first = now().seen_at
    with django_assert_num_queries(1):
        activity.touch([running.pk])
    assert now().seen_at == first


def test_who_comes_at_the_very_moment_of_the_pause_is_seen(running, now):
    # Their clock was read a moment before the row was marked.
    Sandbox.objects.update(
        seen_at=timezone.now() - LONG_AGO, paused_at=timezone.now() + timedelta(seconds=1)
    )
    activity.touch([running.pk])
    assert now().seen_at > now().paused_at
    assert pauses.due_to_resume() == {running.pk}


def test_who_came_meanwhile_keeps_it_from_being_paused(left, driver):
    idle = pauses.due_to_pause()[left.pk]
    activity.touch([left.pk])
    assert not pauses.pause(left.pk, driver, idle=idle)
    assert "pause" not in driver.calls


def test_a_pause_that_fails_halfway_is_undone(left, reconcile, driver, now, told):
    driver.fail_next("pause")
    reconcile()
    reconcile()
    assert now().paused_at is None
    assert "resume" in driver.calls
    assert told("sandbox.paused") == []


def test_an_engine_that_is_away_only_delays_the_resumption(asleep, reconcile, driver, now):
    activity.touch([asleep.pk])
    driver.fail_next("resume")
    reconcile()
    assert now().paused_at is not None
    reconcile()
    assert now().paused_at is None


def test_a_paused_sandbox_can_be_stopped_and_reset(asleep, reconcile, driver, attempt):
    services.reset_machine(attempt, "web", actor="trainee:x")
    reconcile()
    assert not is_frozen(driver, asleep)
    assert driver.calls.index("resume") < driver.calls.index("reset")
    services.stop(attempt, actor="trainee:x")
    reconcile()
    assert not driver.sandboxes


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["workspace", "sandbox-panel"])
def test_opening_the_page_resumes_it_and_says_so(client, trainee, asleep, reconcile, driver, name):
    client.force_login(trainee)
    url = reverse(name, args=[asleep.attempt_id])
    assert "paused while nobody was here" in client.get(url).content.decode()
    reconcile()
    assert not is_frozen(driver, asleep)
    assert "paused while nobody was here" not in client.get(url).content.decode()


@pytest.mark.parametrize("who", ["other_trainee", "instructor"])
def test_nobody_else_keeps_it_awake(client, request, left, who, now):
    before = now().seen_at
    client.force_login(request.getfixturevalue(who))
    client.get(reverse("workspace", args=[left.attempt_id]))
    assert now().seen_at == before


# --- checks ---------------------------------------------------------------------------------------


@pytest.fixture
def resuming(reconciler):
    """Let the reconciler work beside the test, as it does in earnest."""
    ended = threading.Event()

    def work():
        from django.db import connection

        while not ended.wait(0.02):
            reconciler.tick()
        reconciler.settle()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_checks_resume_a_paused_sandbox_first(asleep, resuming, driver, attempt, now):
    driver.sandboxes[asleep.pk].machines["box"].files.pop("/etc/hole")
    assert run_checks(attempt, driver) == 1
    assert now().paused_at is None


def test_frozen_machines_are_never_judged(asleep, driver, attempt, monkeypatch):
    monkeypatch.setattr("range.assessment.collection.RESUME_WITHIN", timedelta(seconds=0.1))
    before = len(driver.calls)
    for judge in (run_checks, collect):
        with pytest.raises(StillPaused):
            judge(attempt, driver)
    assert driver.calls[before:] == []
    assert not Evidence.objects.exists()
    attempt.refresh_from_db()
    assert attempt.checks_run_at is None


def test_a_round_during_which_machines_froze_counts_for_nothing(
    running, driver, attempt, monkeypatch
):
    driver.sandboxes[running.pk].machines["box"].files.pop("/etc/hole")
    look = driver.stat

    def frozen_meanwhile(*args):
        Sandbox.objects.update(paused_at=timezone.now() + timedelta(hours=1))
        return look(*args)

    monkeypatch.setattr(driver, "stat", frozen_meanwhile)
    with pytest.raises(StillPaused):
        run_checks(attempt, driver)
    assert not Evidence.objects.exists()


def test_the_checker_waits_for_what_does_not_resume(asleep, driver, attempt, monkeypatch):
    monkeypatch.setattr("range.assessment.collection.RESUME_WITHIN", timedelta(seconds=0.1))
    want_checks(attempt.pk)
    checker = Checker(lambda: driver)
    checker.tick()
    checker.settle()
    attempt.refresh_from_db()
    assert attempt.checks_run_at is None


def test_looking_now_and_then_keeps_nobody_awake(left, driver, attempt, trainee, now):
    from range.console.models import Recording

    Recording.objects.create(sandbox=left, machine="box", opened_by=trainee, path="none.cast")
    checker = Checker(lambda: driver)
    checker.tick()
    checker.settle()
    attempt.refresh_from_db()
    assert attempt.checks_wanted_at is None
    activity.touch([left.pk])
    checker.tick()
    checker.settle()
    attempt.refresh_from_db()
    assert attempt.checks_wanted_at is not None
