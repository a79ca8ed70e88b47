"""The event: append-only, numbered and hash-chained per attempt."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """One thing that happened in an attempt.

    The chain covers the payload's digest, not the payload, so that retention can erase a
    payload without breaking the chain. Database triggers refuse update, delete and truncate.
    """

    attempt_id = models.UUIDField()
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=64)
    actor = models.CharField(max_length=80)
    payload_sha256 = models.CharField(max_length=64)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["attempt_id", "seq"], name="event_seq_unique"),
        ]
        indexes: ClassVar = [models.Index(fields=["attempt_id", "kind", "seq"])]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

    @property
    def payload(self) -> dict[str, object]:
        """Return the payload, empty once retention erased it."""
        return dict(self.content.body) if hasattr(self, "content") else {}


class EventPayload(models.Model):
    """What an event carries; lies apart from the chain so that it can be erased.

    Written -> erased (retention; once, leaving a signed tombstone). Database triggers refuse
    every other change.
    """

    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, primary_key=True, related_name="content"
    )
    body = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True, blank=True)
    tombstone = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        return f"payload of {self.event_id}"
