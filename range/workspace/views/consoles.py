"""Terminals that a trainee opens beside the first one of a machine, and closes again."""

import json
import uuid
from collections.abc import Sequence
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.console import extra_consoles
from range.console.console_origin import console_origin
from range.exercises.services import active_attempt_of, attempt_of
from range.workspace.presenters import specs
from range.workspace.presenters.consoles import ConsoleTab, console_tab, console_tabs


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
    tab = console_tab(attempt, made.machine, made.console)
    answer = _tabs(request, [tab])
    answer.headers["HX-Trigger-After-Settle"] = json.dumps({"console-opened": tab.key})
    return answer


@require_POST
def close_console(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Let a terminal go, and its shell with it; closed before is fine."""
    attempt = active_attempt_of(request.user, attempt_id)
    machine, console = (request.POST.get(name, "") for name in ("machine", "console"))
    extra_consoles.close_extra(attempt, machine=machine, console=console, actor=_actor(request))
    if request.headers.get("HX-Request") != "true":
        return redirect("workspace", attempt.pk)
    return HttpResponse(status=204)


@require_safe
def console_news(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Bring the tabs that a page has not yet, and name those it has that are open no more."""
    attempt = attempt_of(request.user, attempt_id)
    shown = set(request.GET.getlist("shown"))
    tabs = console_tabs(attempt)
    answer = _tabs(request, [tab for tab in tabs if tab.key not in shown])
    if gone := shown - {tab.key for tab in tabs}:
        answer.headers["HX-Trigger-After-Settle"] = json.dumps({"consoles-gone": sorted(gone)})
    return answer


def _tabs(request: HttpRequest, tabs: Sequence[ConsoleTab]) -> HttpResponse:
    context = {"consoles": tabs, "console_origin": console_origin(request)}
    return render(request, "console/tabs.html", context)


def _actor(request: HttpRequest) -> str:
    return f"trainee:{cast(User, request.user).pk}"
