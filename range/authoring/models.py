"""Drafts of scenarios that authors write in the browser, their revisions, verifications, trials."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from range.accounts.models import Organisation
from range.catalog.models import ScenarioVersion
from range.sandboxes.models import Trial


class DraftQuerySet(models.QuerySet["Draft"]):
    """Filters on drafts."""

    def at_hand(self) -> "DraftQuerySet":
        """Keep those that are not archived."""
        return self.filter(archived_at=None)


class Draft(models.Model):
    """A scenario being written; its files change only through `range.authoring.drafts`.

    Args:
        files: Text or base64 by path, as `range.catalog.source` packs them.
        revision: Counts every change; a save says which one it began from.
        report: What became of an imported source, in Markdown.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="drafts")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="drafts"
    )
    slug = models.SlugField(max_length=50)
    title = models.CharField(max_length=160)
    files = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=1)
    opened_from = models.ForeignKey(
        ScenarioVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="drafts"
    )
    report = models.TextField(blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = DraftQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["organisation", "-changed_at"])]

    def __str__(self) -> str:
        return self.title


class DraftRevision(models.Model):
    """A draft as it was; never changed, but thinned where many lie close together.

    Args:
        about: What was done to make it, in a few words.
        name: What the author calls it; a named one stays.
    """

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    files = models.JSONField()
    size_bytes = models.PositiveIntegerField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="draft_revisions"
    )
    made_at = models.DateTimeField(default=timezone.now)
    about = models.CharField(max_length=120)
    name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["draft", "number"], name="draft_revision_number_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.draft_id} at {self.number}"


class VerificationRunQuerySet(models.QuerySet["VerificationRun"]):
    """Filters and compare-and-set moves on verification runs."""

    def under_way(self) -> "VerificationRunQuerySet":
        """Keep those that wait or run."""
        return self.filter(state__in=VerificationRun.OPEN_STATES)

    def claim(self, pk: uuid.UUID, *, source: str, target: str, **fields: object) -> bool:
        """Move one from `source` to `target`; False if somebody else already did."""
        return self.filter(pk=pk, state=source).update(state=target, **fields) == 1


class VerificationRun(models.Model):
    """One verification of a draft's revision, or of a published version.

    WAITING (web) -> RUNNING (workshop role) -> PASSED, FAILED or STOPPED. A run whose role was
    killed waits once more, and fails the second time. `stop_wanted` is the author's word.

    Args:
        digest: Of the content that was verified, once it could be read.
        progress: What is known of each run while it lasts; bounded.
        report: The same once it has ended.
        message: Why it could not be verified, or was not verified to its end.
    """

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "WAITING", "In line"
        RUNNING = "RUNNING", "Running"
        PASSED = "PASSED", "Passed"
        FAILED = "FAILED", "Differs"
        STOPPED = "STOPPED", "Stopped"

    OPEN_STATES: ClassVar = (State.WAITING, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    draft = models.ForeignKey(
        Draft, on_delete=models.CASCADE, null=True, blank=True, related_name="verifications"
    )
    revision = models.PositiveIntegerField(null=True, blank=True)
    version = models.ForeignKey(
        ScenarioVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="verifications"
    )
    state = models.CharField(max_length=7, choices=State, default=State.WAITING, db_index=True)
    stop_wanted = models.BooleanField(default=False)
    begun = models.PositiveSmallIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    progress = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = VerificationRunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(draft=None, revision=None, version__isnull=False)
                | Q(draft__isnull=False, revision__isnull=False, version=None),
                name="verification_of_draft_or_version",
            ),
            models.UniqueConstraint(
                fields=["draft"],
                condition=Q(state__in=["WAITING", "RUNNING"]),
                name="verification_one_a_draft",
            ),
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(state__in=["WAITING", "RUNNING"]),
                name="verification_one_a_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.draft_id or self.version_id} {self.state}"


class DraftTrial(models.Model):
    """What an author's own sandbox is of, and what was seen in it last.

    Args:
        variant: Choices that must have been drawn.
        revision: The draft's that runs; None until it is up.
        told: What bringing it up to date did, or why it could not.
        judged: What the last look at its objectives found, with its revision.
        disks: Machines whose disks are nearly full, or were ended because they were.
    """

    trial = models.OneToOneField(
        Trial, on_delete=models.CASCADE, primary_key=True, related_name="of_draft"
    )
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="trials")
    variant = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(null=True, blank=True)
    told = models.JSONField(default=dict)
    judged = models.JSONField(default=dict)
    disks = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"trial of {self.draft_id}"


class TrialOrder(models.Model):
    """Something an author asks of their trial; the workshop role does one after the other."""

    class Kind(models.TextChoices):
        """What is asked."""

        CHECK = "CHECK", "Run the checks"
        HAND_IN = "HAND_IN", "Hand in"
        SOLVE = "SOLVE", "Carry out the reference"
        RENEW = "RENEW", "Start anew"

    of_draft = models.ForeignKey(DraftTrial, on_delete=models.CASCADE, related_name="orders")
    kind = models.CharField(max_length=7, choices=Kind)
    text = models.CharField(max_length=1000, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} for {self.of_draft_id}"
