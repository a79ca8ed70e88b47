"""Replaces single machines of running sandboxes by fresh ones, as their rows ask."""

import time
import uuid
from collections.abc import Callable, Collection

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from range.catalog.services import topology_for
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.driver import Driver, Handle
from range.sandboxes.models import MachineState, Sandbox
from range.sandboxes.services import announce
from range.timeline.services import record

log = get_logger(__name__)

Reset, EndReason = MachineState.Reset, MachineState.EndReason
State, Wanted = Sandbox.State, Sandbox.Wanted
# With these nothing was decided: the row keeps its wish and is tried again.
AGAIN = frozenset({"engine-down", "unprotected"})


def take_over(*, besides: Collection[uuid.UUID] = ()) -> None:
    """Ask anew for what another reconciler left half-done.

    Args:
        besides: Sandboxes that are being attended to at present.
    """
    left = MachineState.objects.filter(reset=Reset.UNDERWAY).exclude(sandbox_id__in=besides)
    left.update(reset=Reset.WANTED)


def due() -> set[uuid.UUID]:
    """Return the running sandboxes of which a machine is to be replaced."""
    wanted = MachineState.objects.filter(
        reset=Reset.WANTED,
        sandbox__state=State.RUNNING,
        sandbox__wanted=Wanted.RUNNING,
        # Whoever asked was at it, so it is resumed first.
        sandbox__paused_at=None,
    )
    return set(wanted.values_list("sandbox_id", flat=True))


def carry_out(sandbox_id: uuid.UUID, driver: Driver, *, protect: Callable[[], None]) -> None:
    """Replace every machine of a sandbox for which that is wanted, one after the other.

    Args:
        protect: Refuses while the host would be open to what is started.
    """
    wanted = MachineState.objects.filter(
        sandbox_id=sandbox_id, sandbox__paused_at=None, reset=Reset.WANTED
    )
    for state in wanted.order_by("machine"):
        if _move(state, source=Reset.WANTED, target=Reset.UNDERWAY):
            _replace(state, driver, protect)


def _move(state: MachineState, *, source: str, target: str, **fields: object) -> bool:
    same = MachineState.objects.filter(pk=state.pk, reset=source)
    return same.update(reset=target, **fields) == 1


def _replace(state: MachineState, driver: Driver, protect: Callable[[], None]) -> None:
    sandbox = Sandbox.objects.select_related("attempt__exercise__version").get(pk=state.sandbox_id)
    began = time.monotonic()
    try:
        protect()
        handle = driver.reset(
            Handle.from_json(sandbox.handle or {}),
            state.machine,
            # Of the same epoch: the fresh machine gets the flags and files it had at first, so
            # what the trainee found elsewhere still fits, and the attempt stays the same one.
            topology=topology_for(
                sandbox.attempt.exercise.version, sandbox.attempt_id, sandbox.epoch
            ),
            deadline=timezone.now() + settings.RANGE_LAUNCH_DEADLINE,
        )
    except RangeError as error:
        if error.reason in AGAIN:
            _move(state, source=Reset.UNDERWAY, target=Reset.WANTED)
            log.warning("machine.reset.waits", sandbox=str(sandbox.pk), reason=error.reason)
            return
        log.warning("machine.reset.failed", sandbox=str(sandbox.pk), reason=error.message)
        _failed(state, sandbox, reason=error.reason)
    except Exception:
        log.exception("machine.reset.failed", sandbox=str(sandbox.pk), machine=state.machine)
        _failed(state, sandbox, reason="internal")
    else:
        _replaced(state, sandbox, handle, milliseconds=round((time.monotonic() - began) * 1000))


def _replaced(state: MachineState, sandbox: Sandbox, handle: Handle, *, milliseconds: int) -> None:
    same = Sandbox.objects.filter(
        pk=sandbox.pk, state=State.RUNNING, wanted=Wanted.RUNNING, handle=sandbox.handle
    )
    with transaction.atomic():
        moved = same.update(handle=handle.to_json())
        _move(
            state,
            source=Reset.UNDERWAY,
            target="",
            ended_at=None,
            end_reason="",
            exit_code=None,
            out_of_memory_at=None,
            disk_low_at=None,
        )
        # A sandbox that was stopped meanwhile takes the fresh machine along, or the reaper does.
        if moved:
            facts = {"reason": "asked", "milliseconds": milliseconds}
            _tell(state, sandbox, "sandbox.machine_reset", **facts)


def _failed(state: MachineState, sandbox: Sandbox, *, reason: str) -> None:
    with transaction.atomic():
        moved = _move(
            state,
            source=Reset.UNDERWAY,
            target="",
            ended_at=timezone.now(),
            end_reason=EndReason.RESET_FAILED,
            exit_code=None,
        )
        if moved:
            _tell(state, sandbox, "sandbox.machine_reset_failed", reason=reason)


def _tell(state: MachineState, sandbox: Sandbox, kind: str, **facts: object) -> None:
    payload = {"sandbox": str(sandbox.pk), "machine": state.machine, **facts}
    record(sandbox.attempt_id, kind=kind, actor="range", payload=payload)
    announce(sandbox.attempt_id)
