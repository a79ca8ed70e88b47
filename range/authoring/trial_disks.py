"""Bounds what authors' machines write: one at its limit is ended, and its author is told."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from range.authoring.models import DraftTrial
from range.authoring.news import trial_changed
from range.authoring.trial import Trial as Desk
from range.lib.logs import get_logger
from range.runtime.driver import Driver, MachineLook
from range.runtime.handle import Handle
from range.sandboxes.disks import LOW, MIB, DiskWatch

log = get_logger(__name__)
STOPPING_LOOKS = 6


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A machine's disk that is worth a word.

    Args:
        is_full: Whether the machine was stopped for it.
    """

    machine: str
    container_id: str
    used_mb: int
    limit_mb: int
    is_full: bool


@contextmanager
def watched(driver: Driver, look: Callable[[Driver], object]) -> Iterator[None]:
    """Bound what every machine of a driver writes, as trainees' machines are bounded.

    Those who solve, judge and start work in threads that may be busy for minutes: none of them
    could look.

    Args:
        look: What a look is; called in a thread of its own.
    """
    ended = threading.Event()
    DiskWatch(lambda: driver, look=look).start(ended)
    try:
        yield
    finally:
        ended.set()


def end_full(driver: Driver) -> list[MachineLook]:
    """End every machine of a driver's that wrote as much as it may; return all that were seen."""
    looks = [each for each in driver.survey(sizes=True) if each.limit_bytes]
    full = [each for each in looks if each.is_running and is_full(each)]
    handles = {each.sandbox_id: each for each in driver.running()} if full else {}
    for look in full:
        if (handle := handles.get(look.sandbox_id)) and look.machine in handle.machines:
            driver.halt(handle, look.machine)
            log.info("trial.machine.halted", machine=look.machine, disk_bytes=look.disk_bytes)
    return looks


def is_full(look: MachineLook) -> bool:
    """Tell whether a machine wrote as much as it may."""
    return 0 < look.limit_bytes <= look.disk_bytes


def bounded(desk: Desk) -> dict[str, dict[str, Any]]:
    """Look at a trial's disks once; return what to note of each that is worth a word.

    What was ended starts anew with the next save. Until then it is told of by what it had: files
    that were deleted while held open went with their processes.
    """
    looks = end_full(desk.driver)
    desk.full |= {each.container_id: each for each in looks if is_full(each)}
    looks = [desk.full.get(each.container_id, each) for each in looks]
    for look in looks:
        if is_full(look):
            desk.forget(look.machine)
    return {each.machine: _noted(each) for each in looks if _share(each) >= LOW}


def guard(trial_id: uuid.UUID, desk: Desk) -> None:
    """Bound a trial's disks and note what its page is to tell."""
    noted = bounded(desk)
    rows = DraftTrial.objects.filter(pk=trial_id).exclude(disks=noted)
    if rows.update(disks=noted):
        trial_changed(trial_id)


def worth_telling(noted: Mapping[str, Mapping[str, Any]], handle: Handle | None) -> list[Disk]:
    """Return the disks to tell of: of machines that are there, not of those before them."""
    machines = handle.machines if handle else {}
    present = {name: each.container_id for name, each in machines.items()}
    return [
        _disk(machine, facts)
        for machine, facts in sorted(noted.items())
        if handle is None or present.get(machine) == facts["container"]
    ]


def stopped_for_disk(driver: Driver, machine: str) -> Disk | None:
    """Return the disk that a machine of a driver's was stopped for, if it was.

    Its shells end a moment before the engine says that it does.
    """
    for _ in range(STOPPING_LOOKS):
        look = next((each for each in driver.survey(sizes=True) if each.machine == machine), None)
        if look is None or not is_full(look):
            return None
        if not look.is_running:
            return disk_of(look)
        time.sleep(0.5)
    return None


def disk_of(look: MachineLook) -> Disk:
    """Return what a look saw of a machine's disk."""
    return _disk(look.machine, _noted(look))


def _disk(machine: str, facts: Mapping[str, Any]) -> Disk:
    return Disk(
        machine=machine,
        container_id=facts["container"],
        used_mb=facts["bytes"] // MIB,
        limit_mb=facts["limit"] // MIB,
        is_full=facts["bytes"] >= facts["limit"],
    )


def _share(look: MachineLook) -> float:
    return look.disk_bytes / look.limit_bytes


def _noted(look: MachineLook) -> dict[str, Any]:
    return {
        "container": look.container_id,
        "bytes": look.disk_bytes,
        "limit": look.limit_bytes,
    }
