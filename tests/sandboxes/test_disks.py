"""Disks that run full are told of in time, and a machine at its limit is stopped."""

from copy import deepcopy

import pytest

from range.runtime.driver import DiskLeft, Handle, MachineUsage
from range.sandboxes import disks, services, troubles
from range.sandboxes.models import Sandbox
from range.sandboxes.watch import Watch
from tests.support.disks import watching
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1 << 20
LOW, FULL = "sandbox.disk_low", "sandbox.disk_full"


@pytest.fixture
def two_machines(two_machines):
    spec = deepcopy(two_machines.spec)
    spec["machines"]["web"]["resources"] = {"disk_mb": 100}
    type(two_machines).objects.update(spec=spec)
    two_machines.spec = spec
    return two_machines


@pytest.fixture
def holds(driver, handle_of):
    """Let a machine's disk hold so many MiB, and look."""

    def look(mebibytes, machine="web"):
        target = driver.machine(handle_of, machine)
        target.usage = MachineUsage(disk_bytes=int(mebibytes * MIB))
        disks.sweep(driver)

    return look


def test_a_disk_with_room_is_not_spoken_of(holds, told, running):
    holds(79.9)
    assert told() == []
    assert not running.machine_states.exists()


def test_four_fifths_are_told_once_with_the_numbers(holds, told, driver):
    holds(80)
    holds(85)
    ((_, payload),) = told(LOW)
    assert (payload["machine"], payload["disk_bytes"]) == ("web", 80 * MIB)
    assert payload["limit_bytes"] == 100 * MIB
    assert "halt" not in driver.calls


def test_room_that_was_made_ends_the_warning_and_the_next_one_is_news(holds, told, panel):
    holds(80)
    holds(75)
    assert "nearly full" in panel()
    holds(60)
    assert "nearly full" not in panel()
    holds(90)
    assert len(told(LOW)) == 2


def test_at_its_limit_a_machine_is_stopped_with_a_reason(holds, told, driver, handle_of, running):
    holds(100)
    assert driver.machine(handle_of, "web").exited
    assert not driver.machine(handle_of, "box").exited
    ((_, payload),) = told(FULL)
    assert (payload["machine"], payload["reason"]) == ("web", "disk-full")
    assert running.machine_states.get().end_reason == "disk-full"


def test_the_end_of_a_machine_that_was_stopped_is_told_once(holds, told, driver, running):
    holds(120)
    holds(120)
    Watch(lambda: driver).follow(running.started_at, until=running.started_at)
    assert [kind for kind, _ in told()] == ["disk_full"]
    assert driver.calls.count("halt") == 1


def test_what_could_not_be_stopped_is_stopped_the_next_time(holds, driver, handle_of, told):
    driver.fail_next("halt")
    with pytest.raises(Exception, match="engine"):
        holds(100)
    assert not driver.machine(handle_of, "web").exited
    holds(100)
    assert driver.machine(handle_of, "web").exited
    assert len(told(FULL)) == 1


def test_a_reset_gives_a_machine_with_an_empty_disk(holds, attempt, reconcile, driver, now, panel):
    holds(100)
    services.reset_machine(attempt, "web", actor="trainee:x")
    reconcile()
    disks.sweep(driver)
    state = now().machine_states.get()
    assert (state.ended_at, state.disk_low_at, state.end_reason) == (None, None, "")
    assert driver.calls.count("halt") == 1
    assert "callout" not in panel()


def test_a_fresh_machine_is_not_stopped_for_the_one_before(running, driver, handle_of, holds):
    holds(100)
    fresh = driver.reset(
        handle_of, "web", topology=driver.sandboxes[running.pk].topology, deadline=None
    )
    assert fresh.machines["web"].container_id != handle_of.machines["web"].container_id
    # The row still names the old one: a reset is about to end.
    disks.sweep(driver)
    assert driver.calls.count("halt") == 1


@pytest.mark.parametrize("change", [{"wanted": "STOPPED"}, {"state": "STOPPING"}])
def test_machines_that_end_anyway_are_left_alone(holds, driver, change, running):
    Sandbox.objects.update(**change)
    holds(200)
    assert "halt" not in driver.calls


def test_all_machines_are_looked_at_with_one_call(holds, driver):
    before = len(driver.calls)
    holds(10)
    assert driver.calls[before:] == ["survey"]


def test_the_engine_is_not_asked_while_nothing_runs(driver, running):
    Sandbox.objects.update(state="STOPPED")
    before = len(driver.calls)
    disks.sweep(driver)
    assert driver.calls[before:] == []


def test_the_watch_goes_on_after_the_engine_was_away(running, driver, handle_of, told, monkeypatch):
    monkeypatch.setattr("range.sandboxes.disks.EVERY", disks.EVERY / 1000)
    driver.machine(handle_of, "web").usage = MachineUsage(disk_bytes=90 * MIB)
    driver.fail_next("survey")
    with watching(driver):
        until(lambda: told(LOW), "nobody is told")
    assert len(told(LOW)) == 1


def test_a_host_whose_disk_fills_up_is_not_made_to_wait_for_the_next_look(
    running, driver, handle_of, told, monkeypatch
):
    monkeypatch.setattr("range.sandboxes.disks.GLANCE", disks.EVERY / 3000)
    # However long this takes, no look is due in its turn.
    monkeypatch.setattr("range.sandboxes.disks.EVERY", disks.EVERY * 1000)
    driver.machine(handle_of, "web").usage = MachineUsage(disk_bytes=90 * MIB)
    driver.disk = DiskLeft(free_bytes=1 << 40, files=10**6)
    glances = []
    monkeypatch.setattr(driver, "disk_left", lambda: glances.append(driver.disk) or driver.disk)
    with watching(driver):
        # One to compare with, one that found nothing, and the one that says so.
        until(lambda: len(glances) > 2, "nobody looks")
        quiet = driver.calls.count("survey")
        driver.disk = DiskLeft(free_bytes=(1 << 40) - (1 << 30), files=10**6)
        until(lambda: told(LOW), "nobody is told")
    assert (quiet, len(told(LOW))) == (0, 1)


@pytest.mark.parametrize(
    ("bytes_fewer", "files_fewer", "filling"),
    [(0, 0, False), (64 * MIB, 1000, False), (256 * MIB, 0, True), (0, 50_000, True)],
)
def test_bytes_and_files_fill_a_disk(bytes_fewer, files_fewer, filling):
    before = DiskLeft(free_bytes=1 << 40, files=10**6)
    now = DiskLeft(free_bytes=(1 << 40) - bytes_fewer, files=10**6 - files_fewer)
    assert disks.is_filling(before, now) is filling
    assert not disks.is_filling(now, before)


def test_the_page_tells_both_and_offers_a_reset(holds, panel):
    holds(80)
    text = panel()
    assert "The disk of web is nearly full." in text
    assert "When 100 MB are written" in text
    holds(100)
    text = panel()
    assert "The machine web was stopped because its disk is full." in text
    assert "nearly full" not in text
    assert 'name="machine" value="web"' in text


def test_a_hidden_machines_disk_is_nothing_a_page_tells(holds, panel):
    holds(600, "cave")
    assert "cave" not in panel()
    assert "A part of this scenario was stopped" in panel()


def test_a_container_that_is_none_of_the_rows_is_no_news(running, driver, told):
    (look,) = [look for look in driver.survey() if look.machine == "web"]
    handle = Handle.from_json(running.handle).to_json()
    handle["machines"]["web"]["container_id"] = "another"
    Sandbox.objects.update(handle=handle)
    assert not troubles.note_disk_full(look, limit_bytes=1)
    assert not troubles.note_disk_low(look, limit_bytes=1)
    assert told() == []
