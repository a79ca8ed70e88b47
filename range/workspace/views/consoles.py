"""Terminals that a trainee opens beside the first one of a machine, and closes again."""

import uuid
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from range.accounts.models import User
from range.console import extra_consoles
from range.exercises.services import active_attempt_of
from range.workspace.console_origin import console_origin
from range.workspace.presenters import specs
from range.workspace.presenters.consoles import console_tab


@require_POST
def open_console(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Open one more terminal on a machine and bring its tab."""
    attempt = active_attempt_of(request.user, attempt_id)
    made = extra_consoles.open_extra(
        attempt,
        machine=request.POST.get("machine", ""),
        firsts=specs.consoles(attempt.version),
        actor=_actor(request),
    )
    if request.headers.get("HX-Request") != "true":
        return redirect("workspace", attempt.pk)
    context = {
        "console": console_tab(attempt, made.machine, made.console),
        "console_origin": console_origin(request),
    }
    return render(request, "console/opened.html", context)


@require_POST
def close_console(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Let a terminal go, and its shell with it; closed before is fine."""
    attempt = active_attempt_of(request.user, attempt_id)
    machine, console = (request.POST.get(name, "") for name in ("machine", "console"))
    extra_consoles.close_extra(attempt, machine=machine, console=console, actor=_actor(request))
    if request.headers.get("HX-Request") != "true":
        return redirect("workspace", attempt.pk)
    return HttpResponse(status=204)


def _actor(request: HttpRequest) -> str:
    return f"trainee:{cast(User, request.user).pk}"
