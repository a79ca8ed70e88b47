"""Spares: made ahead while nobody is served, taken by a launch, dropped when nobody wants them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from range.catalog.models import Scenario, ScenarioVersion
from range.runtime.driver import Handle
from range.runtime.fake import FakeDriver
from range.sandboxes import services, spares
from range.sandboxes.models import Sandbox, Spare
from range.sandboxes.reconciler import Reconciler

pytestmark = pytest.mark.django_db(transaction=True)
State = Sandbox.State


@pytest.fixture
def driver():
    return FakeDriver()


@pytest.fixture
def reconciler(driver, monkeypatch, settings):
    settings.RANGE_DRIVER = "fake"
    settings.RANGE_SPARE_SANDBOXES = 1
    monkeypatch.setattr("range.sandboxes.reconciler.get_driver", lambda name: driver)
    monkeypatch.setattr(spares, "SETTLE_SECONDS", 0.0)
    made = Reconciler(driver_name="fake", concurrency=2)
    yield made
    made.close()


@pytest.fixture
def reconcile(reconciler):
    def once():
        assert reconciler._is_leader()
        reconciler.tick()
        reconciler.settle()
        reconciler._spares.settle()

    return once


@pytest.fixture
def spare(reconcile, exercise):
    reconcile()
    return Spare.objects.get()


def test_one_is_made_of_what_is_published(spare, driver, exercise):
    assert (spare.state, spare.version) == (Spare.State.READY, exercise.version)
    assert spare.pk in driver.sandboxes
    assert "start" not in driver.calls


def test_a_launch_takes_it_over_and_another_is_made(
    spare, reconcile, driver, trainee, exercise, settings
):
    sandbox = services.launch(trainee, exercise)
    assert sandbox.pk == spare.pk
    assert not Spare.objects.exists()
    reconcile()
    sandbox.refresh_from_db()
    assert sandbox.state == State.RUNNING
    assert sandbox.prepared is None
    assert Handle.from_json(sandbox.handle).sandbox_id == spare.pk
    reconcile()
    assert Spare.objects.get().pk != spare.pk


def test_two_launches_at_once_take_it_once(spare, trainee, other_trainee, exercise):
    first = services.launch(trainee, exercise)
    second = services.launch(other_trainee, exercise)
    assert first.pk == spare.pk
    assert second.pk != spare.pk
    assert second.prepared is None


def test_a_launch_that_is_refused_takes_none(spare, trainee, exercise, monkeypatch):
    monkeypatch.setattr(services, "available_mb", lambda: 1)
    with pytest.raises(services.LaunchRefused):
        services.launch(trainee, exercise)
    assert Spare.objects.get() == spare


def test_one_of_another_shape_is_not_used(spare, reconcile, driver, trainee, exercise, monkeypatch):
    sandbox = services.launch(trainee, exercise)
    Sandbox.objects.update(prepared={"shape": "another", "handle": spare.handle})
    seen = []
    start = driver.start
    monkeypatch.setattr(
        driver, "start", lambda *a, prepared, **k: seen.append(prepared) or start(*a, **k)
    )
    reconcile()
    sandbox.refresh_from_db()
    assert sandbox.state == State.RUNNING
    assert seen == [None]


def test_a_crash_in_the_middle_of_a_start_runs_no_set_up_twice(spare, reconcile, trainee, exercise):
    sandbox = services.launch(trainee, exercise)
    reconcile()
    Sandbox.objects.update(state=State.REQUESTED)
    sandbox.refresh_from_db()
    assert sandbox.prepared is None


def test_the_reaper_leaves_it_alone(spare, reconciler, driver):
    reconciler.reap()
    assert spare.pk in driver.sandboxes
    assert Spare.objects.exists()


def test_one_that_the_engine_lost_is_forgotten(spare, reconciler, driver):
    driver.sandboxes.clear()
    reconciler.reap()
    # The engine's list may be older than the newest spare.
    assert Spare.objects.exists()
    Spare.objects.update(made_at=timezone.now() - timedelta(minutes=2))
    reconciler.reap()
    assert not Spare.objects.exists()


def test_what_a_dead_reconciler_was_making_is_forgotten(reconciler, exercise):
    Spare.objects.create(version=exercise.version)
    assert reconciler._is_leader()
    assert not Spare.objects.exists()


def test_one_of_a_superseded_version_is_dropped(spare, reconcile, driver, exercise):
    newer = ScenarioVersion.objects.get(pk=exercise.version.pk)
    newer.pk, newer.digest, newer._state.adding = uuid4(), uuid4().hex * 2, True
    newer.published_at = timezone.now() + timedelta(seconds=1)
    newer.save()
    reconcile()
    assert {each.version_id for each in Spare.objects.all()} == {newer.pk}
    assert spare.pk not in driver.sandboxes


def test_an_old_one_is_made_anew(spare, reconcile, driver):
    Spare.objects.update(made_at=timezone.now() - timedelta(hours=7))
    reconcile()
    assert Spare.objects.get().pk != spare.pk
    assert set(driver.sandboxes) == {Spare.objects.get().pk}


def test_none_is_made_while_somebody_is_served(reconciler, driver, exercise, monkeypatch):
    monkeypatch.setattr(spares, "SETTLE_SECONDS", 60.0)
    reconciler._spares.keep(driver, busy=True)
    reconciler._spares.keep(driver, busy=False)
    reconciler._spares.settle()
    assert not Spare.objects.exists()


def test_none_is_made_where_memory_is_short(reconcile, exercise, monkeypatch):
    monkeypatch.setattr(spares, "available_mb", lambda: 600)
    reconcile()
    assert not Spare.objects.exists()


def test_none_is_made_of_machines_that_differ_between_attempts(
    reconcile, driver, exercise, monkeypatch
):
    monkeypatch.setattr(driver, "shape", lambda topology: uuid4().hex)
    reconcile()
    reconcile()
    assert not Spare.objects.exists()
    assert "prepare" not in driver.calls


def test_one_that_cannot_be_made_leaves_no_row_and_is_not_tried_at_once(
    reconcile, driver, exercise
):
    driver.fail_next("prepare", "image-missing")
    reconcile()
    assert not Spare.objects.exists()
    reconcile()
    assert driver.calls.count("prepare") == 1


def test_switched_off_none_is_made_and_those_there_are_go(spare, reconciler, driver, settings):
    settings.RANGE_SPARE_SANDBOXES = 0
    reconciler.reap()
    assert not Spare.objects.exists()
    assert spare.pk not in driver.sandboxes


def test_what_is_launched_most_comes_first(exercise, trainee, version, school):
    other = Scenario.objects.create(slug="aaa-easier", title="Easier")
    ScenarioVersion.objects.create(
        scenario=other,
        version="1",
        digest=uuid4().hex * 2,
        spec=version.spec | {"difficulty": 0},
        image_state=ScenarioVersion.ImageState.READY,
    )
    assert [each.scenario_id for each in spares._wanted(1)] == [other.pk]
    services.launch(trainee, exercise)
    assert [each.pk for each in spares._wanted(1)] == [exercise.version.pk]
    assert sorted(spares._wanted(3).values()) == [1, 2]
    assert spares._wanted(0) == {}
