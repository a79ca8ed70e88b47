"""The sandbox row: what is wanted, what is, its handle; an author's trial; troubles; refusals."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from range.accounts.models import User
from range.catalog.models import ScenarioVersion
from range.exercises.models import Attempt


class SandboxQuerySet(models.QuerySet["Sandbox"]):
    """Filters and compare-and-set moves on sandboxes."""

    def live(self) -> "SandboxQuerySet":
        """Keep those that hold or will hold containers."""
        return self.exclude(state__in=Sandbox.ENDED_STATES)

    def claim(self, pk: uuid.UUID, *, source: str, target: str, **fields: object) -> bool:
        """Move one sandbox from `source` to `target`; False if somebody else already did."""
        return self.filter(pk=pk, state=source).update(state=target, **fields) == 1


class Sandbox(models.Model):
    """The isolated environment of an attempt.

    REQUESTED (web) -> STARTING -> RUNNING -> STOPPING -> STOPPED, or FAILED with a reason;
    every move after the first is the reconciler's, compare-and-set. `wanted` is what the
    trainee, expiry or finish asked for. While RUNNING, `paused_at` says since when its machines
    are frozen; a later `seen_at` has the reconciler thaw them.
    """

    class State(models.TextChoices):
        """Where the sandbox stands."""

        REQUESTED = "REQUESTED", "Queued"
        STARTING = "STARTING", "Starting"
        RUNNING = "RUNNING", "Running"
        STOPPING = "STOPPING", "Stopping"
        STOPPED = "STOPPED", "Stopped"
        FAILED = "FAILED", "Failed"

    class Wanted(models.TextChoices):
        """What the range should make true."""

        RUNNING = "RUNNING", "Running"
        STOPPED = "STOPPED", "Stopped"

    ENDED_STATES: ClassVar = (State.STOPPED, State.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="sandboxes")
    epoch = models.PositiveIntegerField(default=1)
    wanted = models.CharField(max_length=7, choices=Wanted, default=Wanted.RUNNING)
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED, db_index=True)
    driver = models.CharField(max_length=16, default="docker")
    handle = models.JSONField(null=True, blank=True)
    prepared = models.JSONField(null=True, blank=True)
    progress = models.JSONField(default=list)
    relaunch = models.BooleanField(default=False)
    reason = models.CharField(max_length=48, blank=True)
    message = models.TextField(blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    # The end that people were warned of; an extension makes it another one.
    expiry_told_for = models.DateTimeField(null=True, blank=True)
    # Somebody was at it: a page or a console was open. Once a minute at most.
    seen_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)

    objects = SandboxQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["attempt"],
                condition=~Q(state__in=["STOPPED", "FAILED"]),
                name="sandbox_one_live_per_attempt",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class TrialQuerySet(models.QuerySet["Trial"]):
    """Filters on trials."""

    def live(self) -> "TrialQuerySet":
        """Keep those that hold or may get machines."""
        return self.exclude(state=Trial.State.ENDED)


class Trial(models.Model):
    """An author's own sandbox: no attempt, no evidence, and nobody else's to see.

    WAITING (web) -> STARTING -> UP, or BROKEN while what it is of cannot run -> ENDED; every move
    after the first is the workshop role's. It ends when its author says so or has left its page.
    """

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "WAITING", "In line"
        STARTING = "STARTING", "Starting"
        UP = "UP", "Running"
        BROKEN = "BROKEN", "Cannot run"
        ENDED = "ENDED", "Ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trials")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING, db_index=True)
    stop_wanted = models.BooleanField(default=False)
    driver = models.CharField(max_length=16, default="docker")
    handle = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=48, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    # When its author's page asked after it last.
    seen_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = TrialQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"], condition=~Q(state="ENDED"), name="trial_one_live_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk} {self.state}"


class MachineState(models.Model):
    """What one machine of a sandbox suffered, and whether a fresh one is to take its place.

    A row appears with the first trouble or the first reset. Each moment is set once,
    compare-and-set, by whoever noticed it first; a reset clears them. `reset` goes from nothing
    to WANTED (web), to UNDERWAY (reconciler) and back to nothing.
    """

    class Reset(models.TextChoices):
        """How far a reset of this one machine is."""

        WANTED = "WANTED", "Wanted"
        UNDERWAY = "UNDERWAY", "Under way"

    class EndReason(models.TextChoices):
        """Why a machine ended; empty where the engine tells no more than that it did."""

        OUT_OF_MEMORY = "out-of-memory", "Out of memory"
        DISK_FULL = "disk-full", "Disk full"
        RESET_FAILED = "reset-failed", "Reset failed"

    sandbox = models.ForeignKey(Sandbox, on_delete=models.CASCADE, related_name="machine_states")
    machine = models.CharField(max_length=64)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, choices=EndReason, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    out_of_memory_at = models.DateTimeField(null=True, blank=True)
    disk_low_at = models.DateTimeField(null=True, blank=True)
    reset = models.CharField(max_length=8, choices=Reset, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sandbox", "machine"], name="machine_state_one_per_machine"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sandbox_id} {self.machine}"


class Refusal(models.Model):
    """A launch that was refused: it leaves no sandbox, and often not even an attempt."""

    trainee = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refusals")
    version = models.ForeignKey(ScenarioVersion, on_delete=models.CASCADE, related_name="refusals")
    reason = models.CharField(max_length=48)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.trainee_id} {self.reason}"


class SpareQuerySet(models.QuerySet["Spare"]):
    """How launches take spares."""

    def take(self, version: ScenarioVersion) -> "Spare | None":
        """Return the oldest spare of a version, now the caller's; within a transaction."""
        ready = self.select_for_update(skip_locked=True).filter(
            state=Spare.State.READY, version=version
        )
        spare = ready.order_by("made_at").first()
        if spare is not None:
            self.filter(pk=spare.pk).delete()
        return spare


class Spare(models.Model):
    """A sandbox made ahead, up to what depends on an attempt; its id becomes the sandbox's.

    MAKING (reconciler) -> READY; a launch, or a reconciler that wants it no longer, deletes it.
    """

    class State(models.TextChoices):
        """Whether it can be taken."""

        MAKING = "MAKING", "Being made"
        READY = "READY", "Ready"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(ScenarioVersion, on_delete=models.CASCADE, related_name="spares")
    state = models.CharField(max_length=6, choices=State, default=State.MAKING)
    shape = models.CharField(max_length=64, blank=True)
    handle = models.JSONField(null=True, blank=True)
    made_at = models.DateTimeField(default=timezone.now)

    objects = SpareQuerySet.as_manager()

    def __str__(self) -> str:
        return f"spare {self.pk} {self.state}"
