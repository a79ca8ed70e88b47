"""What the sandbox's panel tells beside running machines, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from range.catalog.schema import ScenarioSpec
from range.catalog.services import attempt_spec
from range.exercises.models import Attempt
from range.sandboxes.expiry import WARN_BEFORE
from range.sandboxes.models import MachineState, Sandbox
from range.sandboxes.services import longest_until
from range.workspace import wording
from range.workspace.presenters import specs

# A machine that ran out of memory and runs on needs no notice for the rest of the attempt.
MEMORY_SHOWN = timedelta(minutes=10)
_ENDED = {
    "": "{name} ended unexpectedly.",
    "out-of-memory": "{name} ended unexpectedly because it ran out of memory.",
    "disk-full": "{name} was stopped because its disk is full.",
    "reset-failed": "{name} could not be reset.",
}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing to know about running machines.

    Args:
        tone: `danger` where something stopped, `warn` where something may, `busy` while the range
            is at work on it.
        machine: The one whose reset helps; empty where none does.
        extends: Whether more time helps, and can be had.
    """

    title: str
    text: str
    tone: str = "warn"
    machine: str = ""
    extends: bool = False


def notices_of(sandbox: Sandbox, attempt: Attempt) -> tuple[Notice, ...]:
    """Return what to tell of a running sandbox, machine by machine."""
    spec = attempt_spec(attempt.version, attempt.pk, sandbox.epoch)
    visible = {machine.name for machine in specs.visible_machines(spec)}
    states = sandbox.machine_states.order_by("machine")
    of_machines = (notice for state in states for notice in _of_machine(state, visible))
    of_disks = (notice for state in states for notice in _of_disk(state, spec))
    return (*_of_pause(sandbox), *_of_time(sandbox), *of_machines, *of_disks)


def _of_pause(sandbox: Sandbox) -> Iterator[Notice]:
    if sandbox.paused_at is not None:
        yield Notice(
            title="The machines were paused while nobody was here.",
            text="They go on in a moment, exactly where they stood.",
            tone="busy",
        )


def _of_time(sandbox: Sandbox) -> Iterator[Notice]:
    left = sandbox.expires_at - timezone.now()
    if left > WARN_BEFORE:
        return
    extends = sandbox.expires_at < longest_until(sandbox)
    then = "Then every objective is checked once more and the attempt is finished. "
    more = "Extend the time to go on." if extends else "More time cannot be had."
    yield Notice(
        title=f"The machines end in {wording.span(left)}.", text=then + more, extends=extends
    )


def _of_machine(state: MachineState, visible: set[str]) -> Iterator[Notice]:
    # That a hidden machine exists is for the trainee to find out, not for a notice to tell.
    known = state.machine in visible
    name = f"The machine {state.machine}" if known else "A part of this scenario"
    target, it = (state.machine, "it") if known else ("", "the machines")
    if state.reset:
        yield Notice(
            title=f"{name} is being reset.",
            text="The other machines go on. When it is back, Enter opens its terminal again.",
            tone="busy",
        )
    elif state.ended_at is not None:
        yield Notice(
            title=_ENDED[state.end_reason].format(name=name),
            text=f"Reset {it} to go on; your evidence is kept.",
            tone="danger",
            machine=target,
        )
    elif _is_recent(state):
        yield Notice(
            title=f"{name} ran out of memory.",
            text="Programs inside it were ended. If it no longer works as it should, reset "
            f"{it}; your evidence is kept.",
            machine=target,
        )


def _of_disk(state: MachineState, spec: ScenarioSpec) -> Iterator[Notice]:
    machine = spec.machines.get(state.machine)
    if machine is None or machine.hidden or state.disk_low_at is None:
        return
    if state.ended_at is not None or state.reset:
        return
    yield Notice(
        title=f"The disk of {state.machine} is nearly full.",
        text=f"When {machine.resources.disk_mb} MB are written the machine is stopped. Remove what "
        "you do not need, or reset it; your evidence is kept.",
        machine=state.machine,
    )


def _is_recent(state: MachineState) -> bool:
    at = state.out_of_memory_at
    return at is not None and at > timezone.now() - MEMORY_SHOWN
