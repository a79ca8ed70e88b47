"""Scenarios, their immutable published versions, and the objectives of each version."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone


class Scenario(models.Model):
    """A written situation, known by its slug across all its versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=160)
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class ScenarioVersionQuerySet(models.QuerySet["ScenarioVersion"]):
    """Filters on scenario versions."""

    def latest_per_scenario(self) -> "ScenarioVersionQuerySet":
        """Keep each scenario's newest publication."""
        newest = self.order_by("scenario", "-published_at").distinct("scenario")
        return self.filter(pk__in=newest.values("pk"))


class ScenarioVersion(models.Model):
    """One publication of a scenario; never changed once written, except its image state.

    Image state: PENDING (the builder has not begun), BUILDING, READY, FAILED with a detail.
    The builder moves it.
    """

    class ImageState(models.TextChoices):
        """Whether the machines' images stand in the engine."""

        PENDING = "PENDING", "Being prepared"
        BUILDING = "BUILDING", "Being prepared"
        READY = "READY", "Ready"
        FAILED = "FAILED", "Could not be prepared"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scenario = models.ForeignKey(Scenario, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=32)
    digest = models.CharField(max_length=64, unique=True)
    spec = models.JSONField()
    brief = models.TextField(blank=True)
    assets = models.JSONField(default=dict)
    published_at = models.DateTimeField(default=timezone.now)
    verified_at = models.DateTimeField(null=True, blank=True)
    image_state = models.CharField(
        max_length=8, choices=ImageState, default=ImageState.PENDING, db_index=True
    )
    image_detail = models.TextField(blank=True)
    images = models.JSONField(default=dict)

    objects = ScenarioVersionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.scenario_id} {self.version}"


class Objective(models.Model):
    """What must be achieved in one scenario version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(
        ScenarioVersion, on_delete=models.CASCADE, related_name="objectives"
    )
    key = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    weight = models.PositiveIntegerField()
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "key"], name="objective_key_unique"),
        ]

    def __str__(self) -> str:
        return self.title
