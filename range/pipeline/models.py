"""Skill estimates: a cache of what replaying the evidence says."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from range.competencies.models import ObservableSkill


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
