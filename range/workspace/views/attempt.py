"""The workspace and the fragments it refreshes: sandbox, consoles, objectives."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from range.exercises.models import Attempt
from range.exercises.services import attempt_of
from range.workspace.console_origin import console_origin
from range.workspace.presenters.attempt import workspace_page
from range.workspace.presenters.objectives import objectives_view
from range.workspace.presenters.sandbox import sandbox_view

PAGE = "workspace/workspace.html"


@require_safe
def workspace(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show brief, objectives, terminals and tutor of the viewer's own attempt."""
    attempt = attempt_of(request.user, attempt_id)
    context = {
        "page": workspace_page(attempt),
        "sandbox": sandbox_view(attempt),
        "objectives": objectives_view(attempt),
        "console_origin": console_origin(request),
    }
    return render(request, PAGE, context)


@require_safe
def sandbox_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show where the sandbox stands, with the clock and buttons that depend on it."""
    return render_sandbox(request, attempt_of(request.user, attempt_id))


@require_safe
def consoles_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show one terminal for each machine that has a console."""
    attempt = attempt_of(request.user, attempt_id)
    context = {
        "page": workspace_page(attempt),
        "sandbox": sandbox_view(attempt),
        "console_origin": console_origin(request),
    }
    return render(request, f"{PAGE}#consoles-panel", context)


@require_safe
def objectives_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show what is met and what is open."""
    return render_objectives(request, attempt_of(request.user, attempt_id))


def render_sandbox(request: HttpRequest, attempt: Attempt, *, status: int = 200) -> HttpResponse:
    """Render the sandbox panel and, out of band, the actions; say when the machines run."""
    sandbox = sandbox_view(attempt)
    context = {"page": workspace_page(attempt), "sandbox": sandbox, "oob": True}
    panel = render(request, f"{PAGE}#sandbox-panel", context, status=status)
    actions = render(request, f"{PAGE}#workspace-actions", context)
    panel.content = panel.content + actions.content
    if sandbox.running:
        panel.headers["HX-Trigger-After-Settle"] = "sandbox-running"
    return panel


def render_objectives(
    request: HttpRequest, attempt: Attempt, *, problem: str = "", at: tuple[str, str] = ("", "")
) -> HttpResponse:
    """Render the objectives.

    Args:
        problem: A sentence about what was just handed in, shown at its form.
        at: Objective and check that the problem belongs to.
    """
    context = {
        "page": workspace_page(attempt),
        "sandbox": sandbox_view(attempt),
        "objectives": objectives_view(attempt, problem=problem, at=at),
    }
    return render(request, f"{PAGE}#objectives-panel", context)
