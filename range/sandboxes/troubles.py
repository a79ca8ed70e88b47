"""Writes down what machines suffered, in rows and on the timeline: each trouble once."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from range.lib.notify import notify
from range.runtime.driver import Handle, MachineLook, RuntimeEvent
from range.sandboxes.models import MachineState, Sandbox, SandboxQuerySet
from range.timeline.services import record

# A machine whose programs are ended for want of memory again and again is told of this often.
MEMORY_QUIET = timedelta(minutes=10)
# The engine tells of want of memory and of the end it caused in either order.
SAME_CAUSE = timedelta(seconds=10)

type Machine = tuple[uuid.UUID, str]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A machine that is supposed to run, and its row."""

    sandbox: Sandbox
    state: MachineState

    def tell(self, kind: str, **facts: object) -> None:
        """Record an event about it and have its page say so."""
        spec = self.sandbox.attempt.exercise.version.spec
        hidden = bool(spec["machines"].get(self.state.machine, {}).get("hidden"))
        payload = {"sandbox": str(self.sandbox.pk), "machine": self.state.machine, **facts}
        if hidden:
            payload["hidden"] = True
        record(self.sandbox.attempt_id, kind=kind, actor="range", payload=payload)
        notify("attempt_changed", f"{self.sandbox.attempt_id} sandbox")


def note(event: RuntimeEvent) -> bool:
    """Take in one event of the engine; the same one twice is one.

    Returns:
        Whether it was news. The end of a machine that was stopped or reset is none: its sandbox
        is not wanted to run any more, its reset is under way, or its container is not the one of
        the handle.
    """
    taken: Mapping[str, Callable[[_Found, RuntimeEvent], bool]] = {
        "exited": lambda found, event: _ended(found, at=event.at, exit_code=event.exit_code),
        "out-of-memory": lambda found, event: _starved(found, at=event.at),
    }
    if event.kind not in taken:
        return False
    with transaction.atomic():
        found = _find(event.sandbox_id, event.machine, event.container_id)
        return found is not None and taken[event.kind](found, event)


def machines_supposed_to_run() -> dict[Machine, str]:
    """Return the container of every machine that is not known to have ended."""
    told = set(MachineState.objects.exclude(ended_at=None).values_list("sandbox_id", "machine"))
    return {
        (sandbox.pk, name): machine.container_id
        for sandbox in _running()
        if sandbox.handle
        for name, machine in Handle.from_json(sandbox.handle).machines.items()
        if (sandbox.pk, name) not in told
    }


def note_ended(supposed: Mapping[Machine, str], seen: Iterable[MachineLook]) -> int:
    """Tell of machines that do not run although they should; return how many those are.

    Args:
        supposed: From before the look, so that a machine that came since is not missed in it.
        seen: A sandbox of which nothing is seen is not told of here: it is lost as a whole.
    """
    looks = {(look.sandbox_id, look.machine): look for look in seen}
    there = {sandbox_id for sandbox_id, _ in looks}
    told = 0
    for (sandbox_id, machine), container_id in supposed.items():
        look = looks.get((sandbox_id, machine))
        if sandbox_id not in there or (look is not None and look.is_running):
            continue
        with transaction.atomic():
            found = _find(sandbox_id, machine, container_id)
            told += found is not None and _ended(found, at=timezone.now(), exit_code=None)
    return told


def note_disk_low(look: MachineLook, *, limit_bytes: int) -> bool:
    """Tell that a machine's disk is nearly full; return whether it was news."""
    with transaction.atomic():
        found = _find(look.sandbox_id, look.machine, look.container_id)
        if found is None:
            return False
        same = MachineState.objects.filter(
            pk=found.state.pk, disk_low_at=None, ended_at=None, reset=""
        )
        moved = same.update(disk_low_at=timezone.now())
        if moved:
            found.tell(
                "sandbox.disk_low",
                reason="disk-low",
                disk_bytes=look.disk_bytes,
                limit_bytes=limit_bytes,
            )
    return bool(moved)


def note_disk_full(look: MachineLook, *, limit_bytes: int) -> bool:
    """Tell that a machine is stopped because its disk is full; return whether it was news.

    The caller stops it afterwards: that end is then no news any more.
    """
    with transaction.atomic():
        found = _find(look.sandbox_id, look.machine, look.container_id)
        if found is None:
            return False
        same = MachineState.objects.filter(pk=found.state.pk, ended_at=None, reset="")
        reason = MachineState.EndReason.DISK_FULL
        moved = same.update(ended_at=timezone.now(), end_reason=reason)
        if moved:
            found.tell(
                "sandbox.disk_full",
                reason=str(reason),
                disk_bytes=look.disk_bytes,
                limit_bytes=limit_bytes,
            )
    return bool(moved)


def forget_disk_low(look: MachineLook) -> None:
    """Take back that a machine's disk is nearly full: somebody made room."""
    low = MachineState.objects.filter(
        sandbox_id=look.sandbox_id, machine=look.machine, disk_low_at__isnull=False
    )
    for state in low.select_related("sandbox"):
        low.filter(pk=state.pk).update(disk_low_at=None)
        notify("attempt_changed", f"{state.sandbox.attempt_id} sandbox")


def _running() -> SandboxQuerySet:
    return Sandbox.objects.filter(state=Sandbox.State.RUNNING, wanted=Sandbox.Wanted.RUNNING)


def _find(sandbox_id: uuid.UUID, machine: str, container_id: str) -> _Found | None:
    sandbox = _running().select_related("attempt__exercise__version").filter(pk=sandbox_id).first()
    if sandbox is None or not sandbox.handle:
        return None
    known = Handle.from_json(sandbox.handle).machines.get(machine)
    if known is None or known.container_id != container_id:
        return None
    state, _ = MachineState.objects.get_or_create(sandbox=sandbox, machine=machine)
    return _Found(sandbox=sandbox, state=state)


def _ended(found: _Found, *, at: datetime, exit_code: int | None) -> bool:
    starved_at = found.state.out_of_memory_at
    starved = starved_at is not None and abs(at - starved_at) < SAME_CAUSE
    reason = MachineState.EndReason.OUT_OF_MEMORY if starved else ""
    moved = MachineState.objects.filter(pk=found.state.pk, ended_at=None, reset="").update(
        ended_at=at, exit_code=exit_code, end_reason=reason
    )
    if moved:
        # Where the engine tells no cause, that it ended is all there is to say.
        found.tell("sandbox.machine_died", exit_code=exit_code, reason=reason or "ended")
    return bool(moved)


def _starved(found: _Found, *, at: datetime) -> bool:
    quiet = Q(out_of_memory_at=None) | Q(out_of_memory_at__lt=at - MEMORY_QUIET)
    same = MachineState.objects.filter(pk=found.state.pk, reset="")
    moved = same.filter(quiet).update(out_of_memory_at=at)
    same.filter(ended_at__range=(at - SAME_CAUSE, at + SAME_CAUSE), end_reason="").update(
        end_reason=MachineState.EndReason.OUT_OF_MEMORY
    )
    if moved:
        found.tell("sandbox.out_of_memory", reason="memory-limit")
    return bool(moved)
