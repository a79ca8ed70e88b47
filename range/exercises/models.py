"""Exercises offered to trainees, and each trainee's attempts at them."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from range.accounts.models import Cohort, Organisation
from range.catalog.models import ScenarioVersion


class Exercise(models.Model):
    """A scenario version offered to an organisation or one of its cohorts."""

    class Policy(models.TextChoices):
        """PRACTICE has the tutor; ASSESSED is under equal conditions, recorded and disclosed."""

        PRACTICE = "PRACTICE", "Practice"
        ASSESSED = "ASSESSED", "Assessed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(ScenarioVersion, on_delete=models.PROTECT, related_name="exercises")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="exercises"
    )
    cohort = models.ForeignKey(
        Cohort, on_delete=models.PROTECT, null=True, blank=True, related_name="exercises"
    )
    policy = models.CharField(max_length=8, choices=Policy, default=Policy.PRACTICE)
    opens_at = models.DateTimeField(default=timezone.now)
    closes_at = models.DateTimeField(null=True, blank=True)
    # How many attempts each trainee has; None for any number.
    attempts_allowed = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(closes_at=None) | Q(closes_at__gte=F("opens_at")),
                name="exercise_closes_after_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} ({self.policy})"

    @property
    def is_assigned(self) -> bool:
        """Tell whether it was given to a cohort, and not opened to a whole organisation."""
        return self.cohort_id is not None


class Extension(models.Model):
    """That one trainee may begin an exercise until later than the others."""

    exercise = models.ForeignKey(Exercise, on_delete=models.CASCADE, related_name="extensions")
    trainee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="extensions"
    )
    closes_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["exercise", "trainee"], name="extension_one_per_trainee"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trainee_id} until {self.closes_at:%Y-%m-%d %H:%M}"


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Filters and compare-and-set moves on attempts."""

    def open(self) -> "AttemptQuerySet":
        """Keep attempts that still hold, or may get, a sandbox."""
        return self.filter(state__in=Attempt.OPEN_STATES)

    def claim(self, pk: uuid.UUID, *, source: str, target: str, **fields: object) -> bool:
        """Move one attempt from `source` to `target`; False if somebody else already did."""
        return self.filter(pk=pk, state=source).update(state=target, **fields) == 1


class Attempt(models.Model):
    """One trainee's go at an exercise.

    ACTIVE (the trainee works) -> FINISHING (finish pressed or time over; web, reconciler)
    -> COLLECTED (every check judged; checker) -> GRADED (worker).
    """

    class State(models.TextChoices):
        """Where the attempt stands."""

        ACTIVE = "ACTIVE", "In progress"
        FINISHING = "FINISHING", "Collecting evidence"
        COLLECTED = "COLLECTED", "Being graded"
        GRADED = "GRADED", "Graded"

    OPEN_STATES: ClassVar = (State.ACTIVE, State.FINISHING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    exercise = models.ForeignKey(Exercise, on_delete=models.PROTECT, related_name="attempts")
    trainee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="attempts"
    )
    state = models.CharField(max_length=9, choices=State, default=State.ACTIVE, db_index=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    finish_reason = models.CharField(max_length=32, blank=True)
    graded_at = models.DateTimeField(null=True, blank=True)
    checks_wanted_at = models.DateTimeField(null=True, blank=True)
    checks_run_at = models.DateTimeField(null=True, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trainee", "exercise"],
                condition=Q(state__in=["ACTIVE", "FINISHING"]),
                name="attempt_one_open_per_exercise",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["trainee", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.trainee_id} {self.exercise_id} {self.state}"

    @property
    def version(self) -> ScenarioVersion:
        """Return the scenario version this attempt is bound to."""
        return self.exercise.version
