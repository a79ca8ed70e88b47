"""Trying a draft in the browser: a sandbox of the author's own, with checks at hand."""

import json
import uuid
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.authoring import trials
from range.authoring.models import TrialOrder
from range.authoring.trial_page import trial_page
from range.console.console_origin import console_origin
from range.lib.errors import RangeError

PAGE = "authoring/trial.html"
Kind = TrialOrder.Kind
_ORDERS = {"check": Kind.CHECK, "hand-in": Kind.HAND_IN, "solve": Kind.SOLVE, "renew": Kind.RENEW}


class UnknownOrder(RangeError):
    """A page asks for something that nobody can do."""

    def __init__(self) -> None:
        super().__init__("A trial can do no such thing.", reason="unknown-order", status=400)


@require_POST
def try_draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Ask for a sandbox of the author's own with a draft in it, and show its page."""
    of_draft = trials.begin(draft_id, author=cast(User, request.user))
    return redirect("trial", of_draft.pk)


@never_cache
@require_safe
def trial(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Show terminals, objectives and what was drawn of the viewer's own trial."""
    of_draft = trials.trial_of(cast(User, request.user), trial_id, seen=True)
    context = {"page": trial_page(of_draft), "console_origin": console_origin(request)}
    return render(request, PAGE, context)


@never_cache
@require_safe
def trial_panel(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Show how it is now: its state, its objectives, and terminals once there are any."""
    return _panel(request, trial_id)


@require_POST
def order_trial(request: HttpRequest, trial_id: uuid.UUID, what: str) -> HttpResponse:
    """Have a trial checked, solved, or started anew; or hand something in."""
    of_draft = trials.trial_of(cast(User, request.user), trial_id, seen=True)
    if what not in _ORDERS:
        raise UnknownOrder
    text = request.POST.get("text", "")
    if what == "renew":
        chosen = {name: str(value) for name, value in request.POST.items() if value}
        wanted = {name: chosen[name] for name in of_draft.told.get("choices", {}) if name in chosen}
        text = json.dumps(wanted)
    trials.order(of_draft, _ORDERS[what], text=text)
    if request.headers.get("HX-Request"):
        return _panel(request, trial_id)
    return redirect("trial", trial_id)


@require_POST
def end_trial(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    """End a trial; its machines and everything in them are removed."""
    of_draft = trials.trial_of(cast(User, request.user), trial_id)
    trials.want_end(of_draft)
    return redirect("trial", trial_id)


def _panel(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    page = trial_page(trials.trial_of(cast(User, request.user), trial_id, seen=True))
    answer = render(request, f"{PAGE}#trial-panel", {"page": page})
    answer.write(render(request, f"{PAGE}#trial-disks", {"page": page, "oob": True}).content)
    shown = request.POST.get("shown") or request.GET.get("shown", "")
    if page.is_over or page.terminals != shown:
        # Machines came or went: the page has other terminals, and loads once more.
        answer.headers["HX-Refresh"] = "true"
    return answer
