"""Caches of what replaying the evidence says, how they were compared, and what was sent on."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from range.catalog.models import Scenario
from range.competencies.models import ObservableSkill
from range.exercises.models import Attempt


class SkillEstimate(models.Model):
    """What the evidence says of one skill of one trainee; rebuilt from the log, never edited.

    The worker writes it after grading; dropping every row loses nothing.
    """

    trainee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="skill_estimates"
    )
    skill = models.ForeignKey(ObservableSkill, on_delete=models.CASCADE, related_name="estimates")
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
            models.UniqueConstraint(fields=["trainee", "skill"], name="skill_estimate_unique"),
            models.CheckConstraint(condition=models.Q(sd__gt=0), name="skill_estimate_sd_positive"),
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

    Waiting (`sent_at` empty; tried at `next_at`) -> sent; a later grade makes it wait again. The
    worker moves it.
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
