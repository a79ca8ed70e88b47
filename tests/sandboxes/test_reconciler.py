"""The reconciler makes rows and containers agree, whatever happened before."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from range.exercises.models import Attempt
from range.exercises.services import finish
from range.runtime.driver import EngineError, Handle
from range.runtime.fake import FakeDriver
from range.runtime.topology import Machine, Network, Topology
from range.sandboxes import services
from range.sandboxes.models import Sandbox, SandboxQuerySet
from range.sandboxes.protection import Unprotected
from range.sandboxes.reconciler import COLLECTION_GRACE, Reconciler
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db(transaction=True)
State, Wanted = Sandbox.State, Sandbox.Wanted


@pytest.fixture
def driver():
    return FakeDriver()


@pytest.fixture
def reconciler(driver, monkeypatch, settings):
    settings.RANGE_DRIVER = "fake"
    monkeypatch.setattr("range.sandboxes.reconciler.get_driver", lambda name: driver)
    made = Reconciler(driver_name="fake", concurrency=2)
    yield made
    made.close()


@pytest.fixture
def reconcile(reconciler):
    def once():
        assert reconciler._is_leader()
        reconciler.tick()
        reconciler.settle()

    return once


@pytest.fixture
def requested(trainee, exercise, settings):
    settings.RANGE_DRIVER = "fake"
    return services.launch(trainee, exercise)


def kinds(sandbox):
    return [event.kind for event in events_of(sandbox.attempt_id)]


def test_it_starts_what_is_wanted_and_notes_each_step(requested, reconcile, driver):
    reconcile()
    requested.refresh_from_db()
    assert requested.state == State.RUNNING
    assert Handle.from_json(requested.handle).sandbox_id in driver.sandboxes
    assert {step["step"] for step in requested.progress} >= {"network", "machine"}
    assert kinds(requested)[-1] == "sandbox.running"


def test_it_starts_a_sandbox_once(requested, reconcile, driver):
    reconcile()
    reconcile()
    assert driver.calls.count("start") == 1


@pytest.mark.parametrize("reason", ["capacity", "image-missing", "unhealthy", "deadline"])
def test_a_failed_start_says_why_and_can_be_tried_again(requested, reconcile, driver, reason):
    driver.fail_next("start", reason)
    reconcile()
    requested.refresh_from_db()
    assert (requested.state, requested.reason) == (State.FAILED, reason)
    assert requested.message
    again = services.request_sandbox(requested.attempt)
    reconcile()
    again.refresh_from_db()
    assert (again.state, again.epoch) == (State.RUNNING, 2)


def test_a_fault_of_our_own_fails_with_a_sentence(requested, reconcile, driver, monkeypatch):
    monkeypatch.setattr(driver, "start", lambda *a, **k: 1 / 0)
    reconcile()
    requested.refresh_from_db()
    assert (requested.state, requested.reason) == (State.FAILED, "internal")
    assert "Nothing of yours is lost" in requested.message


def test_it_stops_what_is_not_wanted_any_more(requested, reconcile, driver):
    reconcile()
    services.stop(requested.attempt, actor="trainee:x")
    reconcile()
    requested.refresh_from_db()
    assert requested.state == State.STOPPED
    assert not driver.sandboxes


def test_a_request_taken_back_before_its_start_starts_nothing(requested, reconcile, driver):
    services.stop(requested.attempt, actor="trainee:x")
    reconcile()
    requested.refresh_from_db()
    assert requested.state == State.STOPPED
    assert "start" not in driver.calls


def test_a_stop_that_fails_is_tried_again(requested, reconcile, driver):
    reconcile()
    services.stop(requested.attempt, actor="trainee:x")
    driver.fail_next("stop")
    reconcile()
    requested.refresh_from_db()
    assert requested.state == State.RUNNING
    reconcile()
    requested.refresh_from_db()
    assert requested.state == State.STOPPED


def test_a_reset_is_followed_by_a_fresh_sandbox_of_the_next_epoch(requested, reconcile, driver):
    reconcile()
    services.reset(requested.attempt, actor="trainee:x")
    reconcile()
    reconcile()
    epochs = Sandbox.objects.order_by("epoch").values_list("epoch", "state")
    assert list(epochs) == [(1, State.STOPPED), (2, State.RUNNING)]
    assert len(driver.sandboxes) == 1


def test_time_over_finishes_the_attempt_but_keeps_the_sandbox_for_collection(
    requested, reconcile, driver
):
    reconcile()
    Sandbox.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    reconcile()
    requested.refresh_from_db()
    assert requested.attempt.state == Attempt.State.FINISHING
    assert requested.attempt.finish_reason == "time-over"
    assert requested.state == State.RUNNING


def test_a_sandbox_nobody_collected_ends_after_the_grace(requested, reconcile, driver):
    reconcile()
    finish(requested.attempt_id, reason="finished", actor="range")
    Attempt.objects.update(finished_at=timezone.now() - COLLECTION_GRACE)
    reconcile()
    requested.refresh_from_db()
    assert requested.state == State.STOPPED
    assert not driver.sandboxes


def test_it_reaps_containers_that_no_row_owns(driver, reconciler, requested, reconcile):
    reconcile()
    orphan = Topology(
        machines=(Machine(name="x", image="none", networks=("lan",)),),
        networks=(Network(name="lan"),),
    )
    driver.start(uuid4(), orphan, deadline=timezone.now() + timedelta(minutes=1))
    reconciler.reap()
    assert set(driver.sandboxes) == {requested.pk}


def test_what_cannot_be_reaped_keeps_no_loss_from_being_told(
    driver, reconciler, requested, reconcile, monkeypatch
):
    reconcile()
    stuck = Handle(driver="fake", sandbox_id=uuid4(), machines={}, networks={})
    monkeypatch.setattr(driver, "running", lambda: iter([stuck]))

    def refuse(handle):
        raise EngineError("network has active endpoints")

    monkeypatch.setattr(driver, "stop", refuse)
    reconciler.reap()
    requested.refresh_from_db()
    assert (requested.state, requested.reason) == (State.FAILED, "lost")


@pytest.mark.parametrize("left_alone", [False, True])
def test_a_sandbox_whose_containers_are_gone_is_marked_lost(
    requested, reconciler, reconcile, driver, monkeypatch, left_alone
):
    reconcile()
    if left_alone:
        # Such as its volumes, of which nobody has any use.
        empty = Handle(driver="fake", sandbox_id=requested.pk, machines={}, networks={})
        monkeypatch.setattr(driver, "running", lambda: iter([empty]))
    driver.sandboxes.clear()
    reconciler.reap()
    requested.refresh_from_db()
    assert (requested.state, requested.reason) == (State.FAILED, "lost")
    assert kinds(requested)[-1] == "sandbox.lost"


@pytest.mark.parametrize("left", [State.STARTING, State.STOPPING])
def test_it_takes_over_what_a_dead_reconciler_left_half_done(requested, reconcile, driver, left):
    if left == State.STOPPING:
        reconcile()
    wanted = Wanted.RUNNING if left == State.STARTING else Wanted.STOPPED
    Sandbox.objects.update(state=left, wanted=wanted)
    successor = Reconciler(driver_name="fake", concurrency=1)
    successor._take_over()
    successor.tick()
    successor.settle()
    successor.close()
    requested.refresh_from_db()
    assert requested.state == (State.RUNNING if left == State.STARTING else State.STOPPED)


def test_an_engine_that_is_away_loses_nothing(requested, reconciler, reconcile, driver):
    reconcile()
    driver.fail_next("running")
    with pytest.raises(Exception, match="engine"):
        reconciler.reap()
    requested.refresh_from_db()
    assert requested.state == State.RUNNING


def test_nothing_starts_while_the_host_would_be_open_to_it(
    requested, reconciler, reconcile, driver, monkeypatch
):
    def refuse():
        raise Unprotected("only root may change it")

    monkeypatch.setattr(reconciler._launcher, "_protect", refuse)
    reconcile()
    requested.refresh_from_db()
    assert (requested.state, requested.reason) == (State.FAILED, "unprotected")
    assert "start" not in driver.calls


def test_a_launch_waits_for_an_engine_that_restarts(requested, reconcile, driver, monkeypatch):
    monkeypatch.setattr("range.sandboxes.launching.ENGINE_PAUSE", timedelta(0))
    driver.fail_next("start", "engine-down")
    reconcile()
    requested.refresh_from_db()
    assert (requested.state, requested.progress) == (State.REQUESTED, [])
    began = requested.claimed_at
    reconcile()
    requested.refresh_from_db()
    assert (requested.state, requested.claimed_at) == (State.RUNNING, began)


def test_a_launch_does_not_wait_for_ever(requested, reconcile, driver, monkeypatch):
    monkeypatch.setattr("range.sandboxes.launching.ENGINE_PATIENCE", timedelta(0))
    driver.fail_next("start", "engine-down")
    reconcile()
    requested.refresh_from_db()
    assert (requested.state, requested.reason) == (State.FAILED, "engine-down")


@pytest.mark.parametrize("moment", ["start", "stop"])
def test_a_database_that_goes_away_in_the_middle_leaves_no_row_half_way(
    requested, reconcile, monkeypatch, moment
):
    if moment == "stop":
        reconcile()
        services.stop(requested.attempt, actor="trainee")
    claim, gone = SandboxQuerySet.claim, []
    ends_in = State.RUNNING if moment == "start" else State.STOPPED

    def goes_away(self, pk, *, source, target, **fields):
        if target == ends_in and not gone:
            gone.append(pk)
            raise OperationalError("server closed the connection unexpectedly")
        return claim(self, pk, source=source, target=target, **fields)

    monkeypatch.setattr(SandboxQuerySet, "claim", goes_away)
    reconcile()
    assert gone
    reconcile()
    requested.refresh_from_db()
    assert requested.state == ends_in


def test_a_new_connection_leaves_launches_under_way_alone(requested, reconciler, driver):
    under_way = threading.Event()
    driver_start = driver.start

    def slowly(*args, **kwargs):
        under_way.wait(10)
        return driver_start(*args, **kwargs)

    driver.start = slowly
    assert reconciler._is_leader()
    reconciler.tick()
    reconciler._take_over()
    requested.refresh_from_db()
    assert requested.state == State.STARTING
    under_way.set()
    reconciler.settle()
    requested.refresh_from_db()
    assert requested.state == State.RUNNING
