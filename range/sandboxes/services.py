"""Say what is wanted of a sandbox: launch, stop, reset, extend; the reconciler makes it so."""

import math
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from range.accounts.access import can_launch
from range.accounts.models import User
from range.catalog.models import ScenarioVersion
from range.catalog.services import attempt_spec, spec_of
from range.exercises.models import Attempt, Exercise
from range.exercises.services import AttemptClosed, begin
from range.lib.errors import RangeError
from range.lib.memory import available_mb
from range.lib.notify import notify
from range.sandboxes.activity import touch
from range.sandboxes.models import MachineState, Refusal, Sandbox, Spare
from range.timeline.services import record

# Whoever presses again and again is refused for one reason once a minute.
REFUSED_EVERY = timedelta(minutes=1)


class LaunchRefused(RangeError):
    """A sandbox cannot be had now; the message says why and what to do."""


class UnknownMachine(RangeError):
    """The sandbox has no machine of that name that its trainee may know of."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Your sandbox has no machine called {name[:64]!r}. Choose one from the Sandbox menu.",
            reason="no-such-machine",
            status=404,
        )


def _limit(version: ScenarioVersion) -> timedelta:
    return timedelta(minutes=spec_of(version).lifecycle.limit_minutes)


def _extension(version: ScenarioVersion) -> timedelta:
    return timedelta(minutes=spec_of(version).lifecycle.extend_minutes)


def memory_needed_mb(version: ScenarioVersion) -> int:
    """Return the memory that all machines of a scenario may take together, in MiB."""
    machines = (version.spec.get("machines") or {}).values()
    return sum((machine.get("resources") or {}).get("memory_mb", 256) for machine in machines)


def _refuse_unprepared(version: ScenarioVersion) -> None:
    if version.image_state == ScenarioVersion.ImageState.FAILED:
        raise LaunchRefused(
            "This scenario's machines could not be prepared. Your instructor can see why; "
            "other scenarios work.",
            reason="image-failed",
            status=409,
        )
    if version.image_state != ScenarioVersion.ImageState.READY:
        raise LaunchRefused(
            "This scenario is still being prepared. Its card will say when it is ready.",
            reason="image-pending",
            status=409,
            retryable=True,
        )


def _refuse_beyond_quota(trainee: User, attempt: Attempt) -> None:
    # Locking the person's row makes two launches at once count one after the other.
    User.objects.select_for_update().values_list("pk").get(pk=trainee.pk)
    others = Sandbox.objects.live().filter(attempt__trainee=trainee).exclude(attempt=attempt)
    if others.count() >= settings.RANGE_SANDBOXES_PER_TRAINEE:
        raise LaunchRefused(
            f"You already have {others.count()} sandboxes running, which is the limit. "
            "Stop or finish one, then launch again.",
            reason="quota",
            status=409,
        )


def _promised_mb(known: ScenarioVersion) -> int:
    """Return the memory that launches asked for before will take, in MiB.

    Args:
        known: A version that need not be read again: a class launches one and the same.
    """
    coming = Sandbox.objects.filter(
        state__in=[Sandbox.State.REQUESTED, Sandbox.State.STARTING], wanted=Sandbox.Wanted.RUNNING
    )
    counts = Counter(coming.values_list("attempt__exercise__version", flat=True))
    versions = {known.pk: known, **ScenarioVersion.objects.in_bulk(counts.keys() - {known.pk})}
    return sum(memory_needed_mb(versions[pk]) * count for pk, count in counts.items())


def _when_room_comes() -> str:
    """Return when the first running sandbox ends at the latest, in words."""
    running = Sandbox.objects.filter(state=Sandbox.State.RUNNING).order_by("expires_at")
    first = running.values_list("expires_at", flat=True).first()
    if first is None:
        return "Try again in a few minutes."
    minutes = max(1, math.ceil((first - timezone.now()).total_seconds() / 60))
    return f"The next sandbox ends in {minutes} min at the latest; try again then, or earlier."


def _refuse_without_memory(version: ScenarioVersion) -> None:
    need, free = memory_needed_mb(version), available_mb()
    if free is None:
        return
    left = max(0, free - _promised_mb(version) - settings.RANGE_MEMORY_RESERVE_MB)
    if left < need:
        raise LaunchRefused(
            f"The range is full: this scenario needs {need} MB of memory and {left} MB are left "
            f"for sandboxes. {_when_room_comes()}",
            reason="capacity",
            status=503,
            retryable=True,
        )


def launch(trainee: User, exercise: Exercise) -> Sandbox:
    """Ask for a sandbox of the trainee's attempt at an exercise, in one transaction.

    Returns:
        The sandbox asked for, or the live one if there is one already.

    Raises:
        LaunchRefused: Not allowed, not prepared, over the quota, or no memory.
    """
    if not can_launch(trainee):
        raise LaunchRefused(
            "Your account has no trainee role, so it cannot launch a sandbox. "
            "Ask an administrator to add you to a cohort.",
            reason="not-a-trainee",
            status=403,
        )
    with _refusals_noted(trainee, exercise.version):
        _refuse_unprepared(exercise.version)
        with transaction.atomic():
            return _request(begin(trainee, exercise))


def request_sandbox(attempt: Attempt) -> Sandbox:
    """Ask for a sandbox for an attempt in progress, or return its live one.

    Raises:
        AttemptClosed: The attempt is finished.
        LaunchRefused: Not prepared, over the quota, or no memory.
    """
    with _refusals_noted(attempt.trainee, attempt.exercise.version), transaction.atomic():
        return _request(attempt)


def _request(attempt: Attempt) -> Sandbox:
    """Do what `request_sandbox` says, inside the caller's transaction."""
    version = attempt.exercise.version
    _refuse_unprepared(version)
    _refuse_beyond_quota(attempt.trainee, attempt)
    if not Attempt.objects.filter(pk=attempt.pk, state=Attempt.State.ACTIVE).exists():
        raise AttemptClosed
    live = Sandbox.objects.live().filter(attempt=attempt).first()
    if live is not None:
        return live
    _refuse_without_memory(version)
    return insert(attempt, epoch=next_epoch(attempt))


@contextmanager
def _refusals_noted(trainee: User, version: ScenarioVersion) -> Iterator[None]:
    """Write a refusal down once what was begun is undone, and pass it on."""
    try:
        yield
    except LaunchRefused as refusal:
        _note_refusal(trainee, version, refusal.reason)
        raise


def _note_refusal(trainee: User, version: ScenarioVersion, reason: str) -> None:
    same = Refusal.objects.filter(trainee=trainee, version=version, reason=reason)
    if same.filter(at__gt=timezone.now() - REFUSED_EVERY).exists():
        return
    with transaction.atomic():
        Refusal.objects.create(trainee=trainee, version=version, reason=reason)
        open_one = Attempt.objects.filter(
            trainee=trainee, exercise__version=version, state=Attempt.State.ACTIVE
        ).first()
        if open_one is not None:
            record(open_one.pk, kind="sandbox.refused", actor="range", payload={"reason": reason})


def next_epoch(attempt: Attempt) -> int:
    """Return the number of the attempt's next sandbox, counted from 1."""
    return attempt.sandboxes.count() + 1


def insert(attempt: Attempt, *, epoch: int) -> Sandbox:
    """Insert a sandbox to be started, its event and its wake-up; the caller holds the checks."""
    try:
        with transaction.atomic():
            spare = Spare.objects.take(attempt.exercise.version)
            sandbox = Sandbox.objects.create(
                pk=spare.pk if spare else uuid.uuid4(),
                prepared={"shape": spare.shape, "handle": spare.handle} if spare else None,
                attempt=attempt,
                epoch=epoch,
                driver=settings.RANGE_DRIVER,
                expires_at=timezone.now() + _limit(attempt.exercise.version),
            )
    except IntegrityError:
        return Sandbox.objects.live().get(attempt=attempt)
    record(
        attempt.pk,
        kind="sandbox.requested",
        actor=f"trainee:{attempt.trainee_id}",
        payload={
            "sandbox": str(sandbox.pk),
            "epoch": epoch,
            "reason": "launch" if epoch == 1 else "fresh-machines",
        },
    )
    announce(attempt.pk)
    return sandbox


def announce(attempt_id: uuid.UUID) -> None:
    """Wake the reconciler and the pages that show this attempt's sandbox."""
    notify("sandboxes", str(attempt_id))
    notify("attempt_changed", f"{attempt_id} sandbox")


def stop(attempt: Attempt, *, actor: str, reason: str = "stopped", relaunch: bool = False) -> bool:
    """Ask that the attempt's sandbox end; with `relaunch`, that a fresh one follow it.

    Returns:
        Whether there was a live sandbox to end.
    """
    with transaction.atomic():
        asked = (
            Sandbox.objects.live()
            .filter(attempt=attempt, wanted=Sandbox.Wanted.RUNNING)
            .update(wanted=Sandbox.Wanted.STOPPED, reason=reason, relaunch=relaunch)
        )
        if asked:
            kind = "sandbox.reset" if relaunch else "sandbox.stop"
            record(attempt.pk, kind=kind, actor=actor, payload={"reason": reason})
            announce(attempt.pk)
    return bool(asked)


def reset(attempt: Attempt, *, actor: str) -> None:
    """Replace the attempt's sandbox by a fresh one; work inside it is lost, evidence is not.

    Raises:
        AttemptClosed: The attempt is finished.
        LaunchRefused: There is no sandbox to replace and none can be had.
    """
    if attempt.state != Attempt.State.ACTIVE:
        raise AttemptClosed
    if not stop(attempt, actor=actor, reason="reset", relaunch=True):
        request_sandbox(attempt)


def reset_machine(attempt: Attempt, machine: str, *, actor: str) -> bool:
    """Ask that one machine be replaced by a fresh one; the others go on undisturbed.

    Unlike a reset of all, it begins no new epoch: flags, variables and seeded files stay those of
    the attempt, so that what was found on another machine still fits.

    Returns:
        Whether this call asked; a second press while the first is under way asks nothing.

    Raises:
        AttemptClosed: The attempt is finished.
        LaunchRefused: Nothing runs.
        UnknownMachine: The sandbox has no such machine, or hides it.
    """
    if attempt.state != Attempt.State.ACTIVE:
        raise AttemptClosed
    sandbox = Sandbox.objects.filter(
        attempt=attempt, state=Sandbox.State.RUNNING, wanted=Sandbox.Wanted.RUNNING
    ).first()
    if sandbox is None:
        raise LaunchRefused(
            "The machines are not running, so none of them can be reset. Start them first.",
            reason="not-running",
            status=409,
        )
    spec = attempt_spec(attempt.exercise.version, attempt.pk, sandbox.epoch)
    if machine not in spec.machines or spec.machines[machine].hidden:
        raise UnknownMachine(machine)
    touch([sandbox.pk])
    with transaction.atomic():
        state, _ = MachineState.objects.get_or_create(sandbox=sandbox, machine=machine)
        asked = MachineState.objects.filter(pk=state.pk, reset="").update(
            reset=MachineState.Reset.WANTED
        )
        if asked:
            payload = {"sandbox": str(sandbox.pk), "machine": machine, "reason": "asked"}
            record(attempt.pk, kind="sandbox.machine_reset_asked", actor=actor, payload=payload)
            announce(attempt.pk)
    return bool(asked)


def extend(attempt: Attempt, *, actor: str) -> datetime:
    """Move the end of the attempt's sandbox by as much, and as often, as its scenario says.

    Raises:
        LaunchRefused: Nothing runs, or the longest time is reached.
    """
    with transaction.atomic():
        live = Sandbox.objects.live().select_for_update().filter(attempt=attempt).first()
        if live is None:
            raise LaunchRefused(
                "No sandbox is running, so there is nothing to extend. Launch one first.",
                reason="not-running",
                status=409,
            )
        until = min(live.expires_at + _extension(attempt.exercise.version), longest_until(live))
        if until <= live.expires_at:
            raise LaunchRefused(
                "This sandbox has had its longest time. Finish the attempt, or reset it to begin "
                "afresh.",
                reason="longest-time",
                status=409,
            )
        Sandbox.objects.filter(pk=live.pk).update(expires_at=until)
        record(
            attempt.pk,
            kind="sandbox.extended",
            actor=actor,
            payload={"reason": "asked", "until": until.isoformat(timespec="seconds")},
        )
        announce(attempt.pk)
    return until


def longest_until(sandbox: Sandbox) -> datetime:
    """Return when a sandbox ends at the latest, however often it is extended."""
    version = sandbox.attempt.exercise.version
    extensions = spec_of(version).lifecycle.extensions
    return sandbox.requested_at + _limit(version) + extensions * _extension(version)


def live_sandbox(attempt: Attempt) -> Sandbox | None:
    """Return the attempt's sandbox that holds or will hold containers, if any."""
    return Sandbox.objects.live().filter(attempt=attempt).first()


def latest_sandbox(attempt: Attempt) -> Sandbox | None:
    """Return the attempt's newest sandbox, ended or not."""
    return attempt.sandboxes.order_by("-requested_at").first()
