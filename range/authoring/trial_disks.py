"""Bounds what authors' machines write: one at its limit is ended, and its author is told."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from range.authoring.models import DraftTrial
from range.authoring.news import trial_changed
from range.authoring.trial import Trial as Desk
from range.lib.logs import get_logger
from range.runtime.driver import Driver, MachineLook
from range.runtime.handle import Handle
from range.sandboxes.disks import LOW, MIB

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A machine's disk that is worth a word.

    Args:
        is_full: Whether the machine was stopped for it.
    """

    machine: str
    used_mb: int
    limit_mb: int
    is_full: bool


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
    return look.disk_bytes >= look.limit_bytes


def guard(trial_id: uuid.UUID, desk: Desk) -> None:
    """Look at a trial's disks once; what was ended starts anew with the next save."""
    looks = end_full(desk.driver)
    for look in looks:
        if is_full(look):
            desk.forget(look.machine)
    noted = {each.machine: _noted(each) for each in looks if _share(each) >= LOW}
    rows = DraftTrial.objects.filter(pk=trial_id).exclude(disks=noted)
    if rows.update(disks=noted):
        trial_changed(trial_id)


def worth_telling(noted: Mapping[str, Mapping[str, Any]], handle: Handle | None) -> list[Disk]:
    """Return the disks to tell of: of machines that are there, not of those before them."""
    machines = handle.machines if handle else {}
    present = {name: each.container_id for name, each in machines.items()}
    return [
        Disk(
            machine=machine,
            used_mb=facts["bytes"] // MIB,
            limit_mb=facts["limit"] // MIB,
            is_full=facts["bytes"] >= facts["limit"],
        )
        for machine, facts in sorted(noted.items())
        if handle is None or present.get(machine) == facts["container"]
    ]


def _share(look: MachineLook) -> float:
    return look.disk_bytes / look.limit_bytes


def _noted(look: MachineLook) -> dict[str, Any]:
    return {
        "container": look.container_id,
        "bytes": look.disk_bytes,
        "limit": look.limit_bytes,
    }
