"""What sandboxes there are, what waits, and what memory they may take: all from rows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.catalog.models import Scenario, ScenarioVersion
from range.exercises.models import Attempt, Exercise
from range.operations import load
from range.sandboxes.models import Sandbox, Spare

pytestmark = pytest.mark.django_db
State, Wanted = Sandbox.State, Sandbox.Wanted


def version_of(scenario, memory_mb, number="2.0.0"):
    machine = {"resources": {"memory_mb": memory_mb}} if memory_mb else {}
    return ScenarioVersion.objects.create(
        scenario=scenario,
        version=number,
        digest=f"{scenario.slug}{number}".ljust(64, "x"),
        spec={"machines": {"one": machine}},
        image_state=ScenarioVersion.ImageState.READY,
    )


def test_an_empty_range_carries_nothing():
    found = load.load()
    assert found.by_state == {"REQUESTED": 0, "STARTING": 0, "RUNNING": 0, "STOPPING": 0}
    assert (found.queued, found.reserved_mb, found.kinds) == (0, 0, [])
    assert load.queue() == ()
    assert found.longest_wait == timedelta(0)


def test_sandboxes_are_counted_by_state_and_ended_ones_not_at_all(add_sandbox):
    for state in (State.REQUESTED, State.RUNNING, State.RUNNING, State.STOPPED, State.FAILED):
        add_sandbox(state)
    assert load.load().by_state == {"REQUESTED": 1, "STARTING": 0, "RUNNING": 2, "STOPPING": 0}


def test_paused_sandboxes_run_and_are_told_apart(add_sandbox):
    add_sandbox(State.RUNNING, paused_at=timezone.now())
    add_sandbox(State.RUNNING)
    found = load.load()
    assert (found.by_state["RUNNING"], found.paused) == (2, 1)


def test_what_holds_machines_reserves_all_its_machines_may_take(add_sandbox):
    for state in (State.REQUESTED, State.STARTING, State.RUNNING, State.STOPPING, State.STOPPED):
        add_sandbox(state)
    assert load.load().reserved_mb == 3 * 64


def test_launches_under_way_are_promised_what_they_may_take(add_sandbox):
    for state in (State.REQUESTED, State.STARTING, State.RUNNING, State.STOPPING):
        add_sandbox(state)
    add_sandbox(State.REQUESTED, wanted=Wanted.STOPPED)
    assert load.load().promised_mb == 2 * 64


def test_what_is_made_ahead_reserves_too_and_is_no_sandbox(version):
    Spare.objects.create(version=version)
    found = load.load()
    assert (found.spares, found.reserved_mb, sum(found.by_state.values())) == (1, 64, 0)


def test_an_older_version_still_counts_while_it_runs_and_is_not_on_offer(add_sandbox, version):
    add_sandbox(State.RUNNING)
    newer = version_of(version.scenario, 200)
    kinds = {kind.version.pk: kind for kind in load.load().kinds}
    assert (kinds[version.pk].holding, kinds[version.pk].on_offer) == (1, False)
    assert (kinds[newer.pk].holding, kinds[newer.pk].on_offer) == (0, True)
    assert kinds[newer.pk].needed_mb == 200


def test_a_retired_scenario_is_not_on_offer(version):
    Scenario.objects.update(retired_at=timezone.now())
    assert load.load().kinds == []


def test_the_hungriest_scenario_comes_first(version):
    version_of(Scenario.objects.create(slug="large", title="Large"), None)
    assert [kind.needed_mb for kind in load.load().kinds] == [256, 64]


def test_the_queue_is_in_order_and_leaves_out_what_nobody_wants_any_more(add_sandbox):
    late = add_sandbox(State.REQUESTED, ago=timedelta(seconds=10))
    early = add_sandbox(State.REQUESTED, ago=timedelta(seconds=50))
    add_sandbox(State.REQUESTED, ago=timedelta(seconds=70), wanted=Wanted.STOPPED)
    lines = load.queue()
    assert [line.since for line in lines] == [early.requested_at, late.requested_at]
    assert [line.place for line in lines] == [1, 2]
    assert lines[0].trainee == early.attempt.trainee.shown_name
    assert (lines[0].scenario, lines[0].slug) == ("Small", "small")
    assert load.load().queued == 2


def test_the_queue_is_in_the_order_in_which_it_is_served(add_sandbox, exercise, version, school):
    add_sandbox(State.RUNNING)
    busy = Sandbox.objects.get().attempt.trainee
    other = Exercise.objects.create(version=version, organisation=school)
    late = add_sandbox(State.REQUESTED, ago=timedelta(seconds=5))
    early = add_sandbox(State.REQUESTED, ago=timedelta(seconds=90), offered=other)
    Attempt.objects.filter(pk=early.attempt_id).update(trainee=busy)
    # Who holds a sandbox already comes after who holds none, however long they have waited.
    assert [line.since for line in load.queue()] == [late.requested_at, early.requested_at]
    assert load.load().longest_wait >= timedelta(seconds=90)


def test_the_queue_shows_the_first_and_counts_them_all(add_sandbox, monkeypatch):
    monkeypatch.setattr(load, "QUEUE_SHOWN", 2)
    for _ in range(3):
        add_sandbox(State.REQUESTED)
    assert len(load.queue()) == 2
    assert load.load().queued == 3


def test_many_sandboxes_take_no_more_queries(
    add_sandbox, school, version, django_assert_num_queries
):
    scenarios = [Scenario.objects.create(slug=f"s{n}", title=f"S{n}") for n in range(3)]
    for scenario in scenarios:
        offered = Exercise.objects.create(version=version_of(scenario, 128), organisation=school)
        for state in (State.RUNNING, State.REQUESTED):
            add_sandbox(state, offered=offered)
    with django_assert_num_queries(4):
        load.load()
    with django_assert_num_queries(7):
        load.queue()
