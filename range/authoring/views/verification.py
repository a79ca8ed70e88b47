"""Verification in the browser: asked for, watched run by run, stopped, read afterwards."""

import uuid
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.authoring.verification_page import verification_page
from range.authoring.verifications import (
    VerificationRefused,
    ask_for_draft,
    ask_for_version,
    newest_of,
    verification_of,
    want_stop,
)
from range.catalog.models import ScenarioVersion

PAGE = "authoring/verification.html"
# Tells htmx to stop asking: nothing on the page changes any more.
OVER = 286


@require_POST
def verify_draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Put a draft in line for verification, and show how far it is."""
    author = cast(User, request.user)
    try:
        run = ask_for_draft(draft_id, author=author)
    except VerificationRefused as refusal:
        present = newest_of(draft_id=draft_id)
        if refusal.reason != "already-verifying" or present is None:
            raise
        run = verification_of(author, present.pk)
    return redirect("verification", run.pk)


@require_POST
def verify_version(request: HttpRequest, version_id: uuid.UUID) -> HttpResponse:
    """Put a published version in line for verification, and show how far it is."""
    versions = ScenarioVersion.objects.select_related("scenario")
    version = get_object_or_404(versions, pk=version_id)
    run = ask_for_version(version, author=cast(User, request.user))
    return redirect("verification", run.pk)


@never_cache
@require_safe
def verification(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a verification: what is expected of each run, and what was found."""
    run = verification_of(cast(User, request.user), run_id)
    return render(request, PAGE, {"page": verification_page(run)})


@never_cache
@require_safe
def verification_panel(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show how far it is now; the last answer tells the page to ask no more."""
    run = verification_of(cast(User, request.user), run_id)
    page = verification_page(run)
    status = OVER if page.is_over and request.headers.get("HX-Request") else 200
    return render(request, f"{PAGE}#verification-panel", {"page": page}, status=status)


@require_POST
def stop_verification(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """End a verification; nothing of it is left but what it showed so far."""
    want_stop(verification_of(cast(User, request.user), run_id))
    messages.info(request, "The verification ends; its machines are removed.")
    return redirect("verification", run_id)
