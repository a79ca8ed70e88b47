"""Stored estimates and their comparison, statements sent on, candidates, and impact reports."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from range.accounts.models import Organisation
from range.catalog.models import Scenario
from range.competencies.models import ObservableSkill
from range.exercises.models import Attempt


class SkillEstimate(models.Model):
    """What the evidence says of one skill of one trainee; rebuilt from the log, never edited.

    The worker writes it after grading, once from all attempts and once from assessed ones alone;
    dropping every row loses nothing.
    """

    trainee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="skill_estimates"
    )
    skill = models.ForeignKey(ObservableSkill, on_delete=models.CASCADE, related_name="estimates")
    assessed_only = models.BooleanField(default=False)
    mean = models.FloatField()
    sd = models.FloatField()
    evidence_count = models.PositiveIntegerField()
    scenario_count = models.PositiveIntegerField()
    hinted_count = models.PositiveIntegerField()
    attested_count = models.PositiveIntegerField()
    last_observed_at = models.DateTimeField(null=True, blank=True)
    parameter_set = models.CharField(max_length=16)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trainee", "skill", "assessed_only"], name="skill_estimate_unique"
            ),
            models.CheckConstraint(condition=models.Q(sd__gt=0), name="skill_estimate_sd_positive"),
        ]
        indexes: ClassVar = [
            # Lists of candidates are ranked from this index alone, without reading the rows.
            models.Index(
                fields=["skill", "assessed_only", "trainee"],
                include=["mean", "sd", "evidence_count", "scenario_count", "attested_count"],
                name="skill_estimate_ranked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trainee_id} {self.skill_id} {self.mean:.2f} ± {self.sd:.2f}"


class ScenarioDifficulty(models.Model):
    """How hard a scenario proved to be; a cache that the worker rebuilds from first attempts.

    It speaks for versions that declare the same difficulty, and only until the author declares
    another; dropping every row loses nothing.
    """

    scenario = models.OneToOneField(
        Scenario, on_delete=models.CASCADE, primary_key=True, related_name="difficulty"
    )
    declared = models.PositiveSmallIntegerField()
    logits = models.FloatField()
    sd = models.FloatField()
    practice = models.PositiveIntegerField()
    assessed = models.PositiveIntegerField()
    passed = models.PositiveIntegerField()
    parameter_set = models.CharField(max_length=16)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "scenario difficulties"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(declared__gte=1, declared__lte=5),
                name="scenario_difficulty_declared_step",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scenario_id} {self.logits:.2f} ± {self.sd:.2f}"


class EstimateRebuild(models.Model):
    """That every stored estimate was compared with a replay of the log, and what differed."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    people = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    differing = models.PositiveIntegerField()
    detail = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.differing} of {self.rows} differ"


class StatementDelivery(models.Model):
    """That an attempt's xAPI statements go to the operator's learning record store.

    Waiting (`sent_at` empty; tried at `next_at`) -> sent; a later grade makes it wait again. What
    was sent tells of the moment `sent_at`. The worker moves it.
    """

    attempt = models.OneToOneField(
        Attempt, on_delete=models.CASCADE, related_name="statement_delivery"
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"], condition=models.Q(sent_at=None), name="delivery_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id} {'sent' if self.sent_at else 'waiting'}"


class Candidacy(models.Model):
    """Where a candidate stands with one agency; moved by its assessors, entry by entry.

    Every move goes by compare-and-set and leaves an entry. Hidden from the agency while it has no
    consent; the candidate always sees it.
    """

    class Stage(models.TextChoices):
        """The stages of a pipeline, in order."""

        INVITED = "INVITED", "Invited"
        PRACTISING = "PRACTISING", "Practising"
        ASSESSED = "ASSESSED", "Assessed"
        REFERRED = "REFERRED", "Referred"
        HIRED = "HIRED", "Hired"

    agency = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="candidacies")
    trainee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="candidacies"
    )
    # Empty until the first move, and again where that one was undone.
    stage = models.CharField(max_length=10, choices=Stage, blank=True)

    class Meta:
        verbose_name_plural = "candidacies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "trainee"], name="candidacy_unique"),
        ]
        indexes: ClassVar = [models.Index(fields=["agency", "stage"], name="candidacy_by_stage")]

    def __str__(self) -> str:
        return f"{self.trainee_id} {self.stage or 'no stage'}"


class CandidacyEntry(models.Model):
    """One move or note about a candidate: who, when, why; the candidate reads it too.

    Database triggers refuse update and delete: whoever erred undoes by a further entry.
    """

    class Reason(models.TextChoices):
        """Why somebody was moved, or what a note is about."""

        EVIDENCE = "EVIDENCE", "The evidence supports it"
        MORE_EVIDENCE = "MORE_EVIDENCE", "More evidence is needed"
        CANDIDATE_ASKED = "CANDIDATE_ASKED", "The candidate asked for it"
        VACANCY = "VACANCY", "A post opened or was filled"
        CONVERSATION = "CONVERSATION", "After a conversation"
        MISTAKE = "MISTAKE", "An earlier entry was a mistake"
        OTHER = "OTHER", "Another reason, in the note"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    candidacy = models.ForeignKey(Candidacy, on_delete=models.PROTECT, related_name="entries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # The same before and after: a note.
    before = models.CharField(max_length=10, choices=Candidacy.Stage, blank=True)
    after = models.CharField(max_length=10, choices=Candidacy.Stage, blank=True)
    reason = models.CharField(max_length=16, choices=Reason)
    note = models.TextField(blank=True)
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by"
    )

    class Meta:
        verbose_name_plural = "candidacy entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["candidacy", "number"], name="candidacy_entry_number"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.before} -> {self.after}"


class SavedSearch(models.Model):
    """A list of candidates that an assessor keeps under a name: what was asked, never who."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches"
    )
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=500, blank=True)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "saved searches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "agency", "name"], name="saved_search_name"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupDeclaration(models.Model):
    """A group that a person says they belong to; counted in aggregates, shown to nobody else.

    Written, changed and deleted by the person alone; no event, evidence or export speaks of it.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    dimension = models.CharField(max_length=16)
    group = models.CharField(max_length=16)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "dimension"], name="group_declaration_unique"
            ),
        ]

    def __str__(self) -> str:
        # Whatever prints a row must not tell whose it is.
        return self.dimension


class ImpactReport(models.Model):
    """What an agency was told of how groups fare, as it was told; never made anew or edited.

    `figures` are aggregates. `counted` says who was counted, never their groups: no later report
    counts them, so that the two cannot be subtracted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="impact_reports"
    )
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    figures = models.JSONField()
    counted = models.JSONField()

    def __str__(self) -> str:
        return f"{self.agency_id} {self.made_at:%Y-%m-%d}"
