"""Consoles a trainee keeps, and recordings: where a console's bytes lie, and their digest."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox


class ExtraConsole(models.Model):
    """A console that a trainee keeps beside the first one of a machine; its shell is found anew.

    Open while `closed_at` is empty, through resets of the machines too. Closed by the trainee;
    ended by the console role, once the shell in the machine is gone. The first console has no row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="extra_consoles")
    machine = models.CharField(max_length=64)
    console = models.SlugField(max_length=32)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["attempt", "machine", "console"],
                condition=Q(ended_at=None),
                name="extra_console_not_twice",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["closed_at"],
                condition=Q(closed_at__isnull=False, ended_at=None),
                name="extra_console_to_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} {self.console}"


class Recording(models.Model):
    """One console's bytes as asciicast on disk; the row says where and how many.

    Open while `ended_at` is empty; the console role ends it, or the reconciler after a crash.
    Erased by retention (`erased_at`, with a signed tombstone); the console role then removes the
    file, and the row stays.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sandbox = models.ForeignKey(Sandbox, on_delete=models.PROTECT, related_name="recordings")
    machine = models.CharField(max_length=64)
    console = models.SlugField(max_length=32, default="main")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    path = models.CharField(max_length=255)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    tombstone = models.JSONField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["sandbox", "machine", "started_at"]),
            models.Index(
                fields=["erased_at"],
                condition=Q(erased_at__isnull=False, removed_at=None),
                name="recording_to_remove",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} {self.started_at:%H:%M:%S}"
