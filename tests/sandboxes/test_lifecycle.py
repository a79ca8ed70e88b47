"""Every step of a sandbox's life is an event with a reason, and the replay has words for it."""

import re
from collections import namedtuple
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from range.catalog.services import attempt_spec
from range.console import event_words
from range.exercises.services import mark_collected
from range.runtime.driver import MachineUsage
from range.sandboxes import activity, disks, services, troubles
from range.sandboxes.models import Refusal, Sandbox
from range.timeline.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
WHO = "trainee:x"


@dataclass
class World:
    """A running sandbox of the attempt, and what may befall it."""

    attempt: Any
    other: Any
    running: Sandbox
    driver: Any
    reconciler: Any
    happens: Any
    handle: Any
    patch: Any

    def reconcile(self, times=1):
        for _ in range(times):
            self.reconciler.tick()
            self.reconciler.settle()

    def change(self, **minutes):
        now = timezone.now()
        moments = {name: now + timedelta(minutes=value) for name, value in minutes.items()}
        Sandbox.objects.filter(pk=self.running.pk).update(**moments)

    def fill(self, share):
        spec = attempt_spec(self.attempt.exercise.version, self.attempt.pk, 1)
        size = spec.machines["web"].resources.disk_mb * share * (1 << 20)
        self.driver.machine(self.handle, "web").usage = MachineUsage(disk_bytes=int(size))
        disks.sweep(self.driver)


@pytest.fixture
def world(
    attempt, other_trainee, running, driver, reconciler, happens, handle_of, monkeypatch, settings
):
    settings.RANGE_IDLE_MINUTES = 30
    return World(
        attempt, other_trainee, running, driver, reconciler, happens, handle_of, monkeypatch
    )


def launch(world):
    services.launch(world.other, world.attempt.exercise)
    world.reconcile()


def fail_to_launch(world):
    world.driver.fail_next("start", "unhealthy")
    launch(world)


def be_refused(world):
    stop(world)
    world.patch.setattr(services, "available_mb", lambda: 1)
    for _ in range(2):
        with pytest.raises(services.LaunchRefused):
            services.request_sandbox(world.attempt)


def reset_a_machine(world):
    services.reset_machine(world.attempt, "web", actor=WHO)
    world.reconcile()


def fail_to_reset_a_machine(world):
    world.driver.fail_next("reset", "unhealthy")
    reset_a_machine(world)


def reset_all(world):
    services.reset(world.attempt, actor=WHO)
    world.reconcile(2)


def extend(world):
    services.extend(world.attempt, actor=WHO)


def leave_alone(world):
    world.change(started_at=-60, seen_at=-60)
    world.reconcile()


def come_back(world):
    leave_alone(world)
    activity.touch([world.running.pk])
    world.reconcile()


def near_the_end(world):
    world.change(expires_at=8)
    world.reconcile()


def run_out_of_time(world):
    world.change(expires_at=-1)
    world.reconcile()
    mark_collected(world.attempt.pk)
    world.reconcile(2)


def stop(world):
    services.stop(world.attempt, actor=WHO)
    world.reconcile()


def lose(world):
    world.driver.sandboxes.clear()
    world.reconciler.reap()


def end_a_machine(world):
    troubles.note(world.happens("exited", exit_code=1))


def starve(world):
    troubles.note(world.happens("out-of-memory"))


def starve_to_death(world):
    starve(world)
    troubles.note(world.happens("exited", exit_code=137))


def fill_most_of_the_disk(world):
    world.fill(0.9)


def fill_the_disk(world):
    world.fill(1.1)


Step = namedtuple("Step", "what kind reason label note")
TABLE = [
    Step(launch, "requested", "launch", "Sandbox asked for", "first machines"),
    Step(launch, "running", "healthy", "Sandbox ready", "every machine answers, after"),
    Step(be_refused, "refused", "capacity", "A launch was refused", "no room was left"),
    Step(fail_to_launch, "failed", "unhealthy", "The sandbox did not start", "did not answer"),
    Step(reset_a_machine, "machine_reset_asked", "asked", "Reset of a machine asked for", "web"),
    Step(reset_a_machine, "machine_reset", "asked", "A machine was reset", "web, after"),
    Step(
        fail_to_reset_a_machine,
        "machine_reset_failed",
        "unhealthy",
        "A machine could not be reset",
        "web, a machine did not answer in time",
    ),
    Step(reset_all, "reset", "reset", "Machines reset", "fresh machines follow"),
    Step(reset_all, "stopped", "reset", "Sandbox stopped", "fresh machines follow"),
    Step(reset_all, "requested", "fresh-machines", "Sandbox asked for", "fresh machines"),
    Step(extend, "extended", "asked", "Time extended", "until"),
    Step(leave_alone, "paused", "idle", "Machines paused", "nobody was there, for 30 min"),
    Step(come_back, "resumed", "somebody-came", "Machines resumed", "somebody came back"),
    Step(near_the_end, "expiring", "time-nearly-over", "Time runs out soon", "until"),
    Step(run_out_of_time, "attempt.finished", "time-over", "Attempt finished", "time was over"),
    Step(run_out_of_time, "stopped", "finished", "Sandbox stopped", "attempt was finished"),
    Step(stop, "stop", "stopped", "Stop asked for", "as asked"),
    Step(stop, "stopped", "stopped", "Sandbox stopped", "as asked"),
    Step(lose, "lost", "lost", "The sandbox was lost", "its machines were gone"),
    Step(
        end_a_machine,
        "machine_died",
        "ended",
        "A machine ended unexpectedly",
        "web, exit code 1",
    ),
    Step(
        starve_to_death,
        "machine_died",
        "out-of-memory",
        "A machine ended unexpectedly",
        "web, exit code 137, it ran out of memory",
    ),
    Step(
        starve,
        "out_of_memory",
        "memory-limit",
        "A machine ran out of memory",
        "web, programs in it were ended",
    ),
    Step(
        fill_most_of_the_disk, "disk_low", "disk-low", "A machine's disk is nearly full", "written"
    ),
    Step(fill_the_disk, "disk_full", "disk-full", "A machine was stopped", "its disk is full"),
]


@pytest.mark.parametrize("step", TABLE, ids=lambda step: f"{step.what.__name__}-{step.kind}")
def test_every_step_is_told_once_with_its_reason_and_in_words(world, step):
    step.what(world)
    kind = step.kind if "." in step.kind else f"sandbox.{step.kind}"
    (event,) = Event.objects.filter(kind=kind)
    assert event.payload["reason"] == step.reason
    assert event_words.label(event) == step.label
    assert step.note in event_words.note(event, {})


def test_no_step_is_left_out_of_the_table():
    sources = "".join(file.read_text() for file in Path(services.__file__).parent.glob("*.py"))
    told = set(re.findall(r'"sandbox\.([a-z_]+)"', sources))
    # That machines nobody owns were removed is a line of the log: there is no attempt to tell.
    assert told - {"reaped"} == {step.kind for step in TABLE if "." not in step.kind}


def test_a_refused_first_launch_is_kept_though_no_attempt_is(world):
    world.patch.setattr(services, "available_mb", lambda: 1)
    with pytest.raises(services.LaunchRefused):
        services.launch(world.other, world.attempt.exercise)
    kept = Refusal.objects.get()
    assert (kept.trainee, kept.reason) == (world.other, "capacity")
    assert not world.other.attempts.exists()
