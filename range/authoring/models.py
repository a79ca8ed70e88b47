"""Drafts of scenarios that authors write in the browser, and every revision worth keeping."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from range.accounts.models import Organisation
from range.catalog.models import ScenarioVersion


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
