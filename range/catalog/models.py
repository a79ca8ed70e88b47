"""Scenarios, their immutable published versions, their objectives, and images for machines."""

import uuid
from collections.abc import Iterable
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from range.accounts.models import Organisation

# Wakes the builder, and tells pages how far images are.
IMAGES_CHANNEL = "images"


class ScenarioQuerySet(models.QuerySet["Scenario"]):
    """Filters on scenarios."""

    def open_to(self, schools: Iterable[uuid.UUID]) -> "ScenarioQuerySet":
        """Keep the range's own scenarios and those that these organisations published."""
        return self.filter(Q(owner=None) | Q(owner__in=schools))


class Scenario(models.Model):
    """A written situation, known by its slug across all its versions.

    Its owner is the organisation whose authors publish it; the range's own scenarios, which come
    as folders, have none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=160)
    retired_at = models.DateTimeField(null=True, blank=True)
    owner = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="scenarios"
    )

    objects = ScenarioQuerySet.as_manager()

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


class ScenarioSource(models.Model):
    """Every file of a version as its author wrote it, apart from the row that pages read often.

    Args:
        files: Text or base64 by path, as `range.catalog.source` packs them.
        contexts: Digests of the build contexts among them, to know one again.
    """

    version = models.OneToOneField(
        ScenarioVersion, on_delete=models.CASCADE, primary_key=True, related_name="source"
    )
    files = models.JSONField()
    contexts = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"files of {self.version_id}"


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


class AllowedImage(models.Model):
    """An image that an operator lets every author's machines start from.

    It holds the files it is built from, so that nobody can change what a name stands for: the
    same name with other files is another row, and the one before it is withdrawn. The builder
    fills in `tag` and `size_bytes`, or `detail` where it could not be built. Withdrawn images
    serve what was published with them, and nothing new.

    Digest: over the files alone, whatever base they are built on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=47)
    description = models.CharField(max_length=300)
    contents = models.CharField(max_length=600, blank=True)
    digest = models.CharField(max_length=64)
    files = models.JSONField()
    tag = models.CharField(max_length=128, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    detail = models.TextField(blank=True)
    allowed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    allowed_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "digest"], name="allowed_image_content_once"),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(withdrawn_at=None),
                name="allowed_image_one_content_a_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.digest[:12]}"
