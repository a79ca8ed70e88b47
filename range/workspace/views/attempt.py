"""The workspace and the fragments it refreshes: sandbox, consoles, objectives."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from range.console.console_origin import console_origin
from range.exercises.models import Attempt
from range.exercises.services import attempt_of
from range.sandboxes.activity import touch_attempt
from range.workspace.presenters.attempt import workspace_page
from range.workspace.presenters.consoles import console_tabs
from range.workspace.presenters.objectives import Refused, objectives_view
from range.workspace.presenters.sandbox import sandbox_view
from range.workspace.presenters.web_view import view_tabs

PAGE = "workspace/workspace.html"


@require_safe
def workspace(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show brief, objectives, terminals and tutor of the viewer's own attempt."""
    attempt = attempt_of(request.user, attempt_id)
    touch_attempt(attempt.pk)
    context = {
        "page": workspace_page(attempt),
        "sandbox": sandbox_view(attempt),
        "consoles": console_tabs(attempt),
        "objectives": objectives_view(attempt, advised=is_advised(request, attempt)),
        "console_origin": console_origin(request),
        "web_views": view_tabs(request, attempt),
    }
    return render(request, PAGE, context)


@require_safe
def sandbox_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show where the sandbox stands, with the clock and buttons that depend on it."""
    attempt = attempt_of(request.user, attempt_id)
    touch_attempt(attempt.pk)
    return render_sandbox(request, attempt)


@require_safe
def consoles_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show the terminals, at least one for each machine that has a console."""
    attempt = attempt_of(request.user, attempt_id)
    context = {
        "page": workspace_page(attempt),
        "sandbox": sandbox_view(attempt),
        "consoles": console_tabs(attempt),
        "console_origin": console_origin(request),
        "web_views": view_tabs(request, attempt),
    }
    return render(request, f"{PAGE}#consoles-panel", context)


@require_safe
def objectives_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show what is met and what is open."""
    return render_objectives(request, attempt_of(request.user, attempt_id))


def advise(request: HttpRequest, attempt: Attempt) -> None:
    """Remember that the trainee asked to be checked, and so wants to read what is still open."""
    request.session[f"advised-{attempt.pk}"] = True


def is_advised(request: HttpRequest, attempt: Attempt) -> bool:
    """Tell whether the trainee asked to be checked in this attempt."""
    return f"advised-{attempt.pk}" in request.session


def render_sandbox(request: HttpRequest, attempt: Attempt, *, status: int = 200) -> HttpResponse:
    """Render the sandbox panel and, out of band, the actions; say when terminals may connect."""
    sandbox = sandbox_view(attempt)
    context = {"page": workspace_page(attempt), "sandbox": sandbox, "oob": True}
    panel = render(request, f"{PAGE}#sandbox-panel", context, status=status)
    actions = render(request, f"{PAGE}#workspace-actions", context)
    panel.content = panel.content + actions.content
    if sandbox.has_consoles:
        panel.headers["HX-Trigger-After-Settle"] = "consoles-there"
    return panel


def render_objectives(
    request: HttpRequest, attempt: Attempt, *, refused: Refused | None = None
) -> HttpResponse:
    """Render the objectives, what was just refused being told at its field."""
    context = {
        "page": workspace_page(attempt),
        "sandbox": sandbox_view(attempt),
        "objectives": objectives_view(
            attempt, advised=is_advised(request, attempt), refused=refused
        ),
    }
    return render(request, f"{PAGE}#objectives-panel", context)
