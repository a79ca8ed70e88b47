"""The web view: one opening of a machine's web page in one browser."""

import uuid

from django.db import models
from django.utils import timezone

from range.accounts.models import User
from range.sandboxes.models import Sandbox


class WebView(models.Model):
    """One opening of a machine's web page, and the sign-in it belongs to.

    It begins with a code (web), which the browser hands in once; from then on the browser holds
    a ticket instead (view role, compare-and-set). Only digests of both are kept.

    Args:
        embedded: Whether it is shown inside the workspace, told by the browser that entered.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sandbox = models.ForeignKey(Sandbox, on_delete=models.CASCADE, related_name="web_views")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    machine = models.CharField(max_length=64)
    session_key = models.CharField(max_length=40)
    code_digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001
    ticket_digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001
    embedded = models.BooleanField(default=False)
    opened_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.sandbox_id} {self.machine}"
