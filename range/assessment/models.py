"""Submissions, evidence, what needs a person, and grades."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from range.catalog.models import Objective
from range.console.models import Recording
from range.exercises.models import Attempt


class Submission(models.Model):
    """An answer or flag that a trainee handed in; a flag is kept as a keyed digest only.

    Written -> erased (retention; leaves a signed tombstone in the place of what was written).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="submissions")
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="+")
    check_id = models.SlugField(max_length=64)
    value = models.TextField(blank=True)
    value_digest = models.CharField(max_length=64)
    accepted = models.BooleanField()
    reason = models.CharField(max_length=48)
    at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True)
    tombstone = models.JSONField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["attempt", "objective", "check_id", "at"])]

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.check_id} {self.accepted}"


class Evidence(models.Model):
    """One recorded outcome with its provenance; a correction is a new row that supersedes.

    Database triggers refuse update, delete and truncate. What was seen lies apart in
    EvidenceContent, of which this row holds the digest, so that retention can erase it.
    """

    class Source(models.TextChoices):
        """Who judged."""

        CHECK = "CHECK", "Check"
        MODEL = "MODEL", "Model"
        PERSON = "PERSON", "Person"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="evidence")
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="evidence")
    check_id = models.SlugField(max_length=64)
    kind = models.CharField(max_length=24)
    outcome = models.CharField(max_length=12)
    score = models.FloatField()
    source = models.CharField(max_length=6, choices=Source, default=Source.CHECK)
    reason = models.CharField(max_length=64)
    # Empty for records from before the content lay apart: their digest covers it itself.
    content_sha256 = models.CharField(max_length=64, blank=True)
    observed_at = models.DateTimeField(default=timezone.now)
    hint_rung = models.PositiveSmallIntegerField(default=0)
    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recording_offset_ms = models.PositiveBigIntegerField(null=True, blank=True)
    grader_version = models.CharField(max_length=32)
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    sha256 = models.CharField(max_length=64)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["attempt", "objective", "check_id"])]
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return f"{self.check_id} {self.outcome}"

    @property
    def excerpt(self) -> str:
        """Return what was seen, empty once retention erased it."""
        return self.content.excerpt if hasattr(self, "content") else ""

    @property
    def detail(self) -> dict[str, object]:
        """Return further facts the judge left, empty once retention erased them."""
        return dict(self.content.detail) if hasattr(self, "content") else {}


class EvidenceContent(models.Model):
    """What was seen, and further facts; lies apart from the record so that it can be erased.

    Written -> erased (retention; once, leaving a signed tombstone). Database triggers refuse
    every other change.
    """

    evidence = models.OneToOneField(
        Evidence, on_delete=models.PROTECT, primary_key=True, related_name="content"
    )
    detail = models.JSONField(default=dict)
    excerpt = models.TextField(blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    tombstone = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        return f"content of {self.evidence_id}"


class ReviewItem(models.Model):
    """A rubric criterion that waits for an instructor, with the model's proposal if there is one.

    OPEN (worker) -> DECIDED (an instructor; the decision is an Evidence row).
    `level`, `note` and who decided are those of the newest Decision. Retention erases the report of
    a decided item (`erased_at`, with a signed tombstone).
    """

    class State(models.TextChoices):
        """Whether somebody decided."""

        OPEN = "OPEN", "Waiting"
        DECIDED = "DECIDED", "Decided"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="review_items")
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="+")
    check_id = models.SlugField(max_length=64)
    criterion = models.SlugField(max_length=64)
    artefact = models.TextField(blank=True)
    proposal = models.JSONField(null=True, blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.OPEN, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    level = models.PositiveSmallIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    tombstone = models.JSONField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["attempt", "check_id", "criterion"], name="review_item_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.criterion} {self.state}"


class Decision(models.Model):
    """What one instructor decided about a criterion; a correction is a new row with its reason.

    Database triggers refuse update, delete and truncate.
    """

    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="decisions")
    level = models.PositiveSmallIntegerField()
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(default=timezone.now)
    # Which model proposed, under which instructions; empty where none did.
    judge = models.CharField(max_length=120, blank=True)
    proposed = models.PositiveSmallIntegerField(null=True, blank=True)
    # Decided before anybody saw the proposal, and not a correction: only such rows measure it.
    unseen = models.BooleanField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["item", "decided_at"], name="decision_by_item"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} level {self.level}"


class Appeal(models.Model):
    """That a trainee contests one piece of evidence, and what an instructor answered.

    OPEN (the trainee) -> UPHELD or CORRECTED (an instructor); the outcome is an Evidence row that
    supersedes the contested one, and final.
    """

    class State(models.TextChoices):
        """What came of it."""

        OPEN = "OPEN", "Waiting for an answer"
        UPHELD = "UPHELD", "The record stands"
        CORRECTED = "CORRECTED", "The record was corrected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evidence = models.OneToOneField(Evidence, on_delete=models.PROTECT, related_name="appeal")
    words = models.TextField()
    raised_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN, db_index=True)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    outcome = models.OneToOneField(
        Evidence, on_delete=models.PROTECT, null=True, blank=True, related_name="decided_appeal"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state="OPEN", outcome=None)
                | ~models.Q(state="OPEN") & models.Q(outcome__isnull=False),
                name="appeal_answered_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.evidence_id} {self.state}"


class Grade(models.Model):
    """The explained summary of an attempt; a new row each time evidence changes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="grades")
    share = models.FloatField()
    passed = models.BooleanField()
    provisional = models.BooleanField()
    detail = models.JSONField(default=dict)
    grader_version = models.CharField(max_length=32)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["attempt", "-at"])]

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.share:.2f}"
