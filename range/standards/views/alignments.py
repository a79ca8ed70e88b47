"""Reviewers go through alignments: the list, one with its history, and a decision."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.competencies.models import Alignment
from range.lib.storable import storable
from range.standards import alignment_pages, reviewing
from range.standards.views.frameworks import searched


@never_cache
@require_safe
def alignments(request: HttpRequest) -> HttpResponse:
    """List alignments by what is to be done about them."""
    reviewing.refuse_unless_reviewer(cast(User, request.user))
    page = alignment_pages.queue(
        show=request.GET.get("show", ""),
        search=searched(request),
        number=request.GET.get("page", "1"),
    )
    return render(request, "standards/alignments.html", {"page": page})


@never_cache
@require_safe
def alignment(request: HttpRequest, alignment_id: int) -> HttpResponse:
    """Show one alignment: both wordings, what may be decided, and what was."""
    reviewing.refuse_unless_reviewer(cast(User, request.user))
    rows = Alignment.objects.select_related("skill", "reviewed_by")
    row = rows.filter(pk=min(alignment_id, alignment_pages.LARGEST_ID)).first()
    if row is None:
        raise Http404
    return render(request, "standards/alignment.html", {"page": alignment_pages.one(row)})


@require_POST
def decide(request: HttpRequest, alignment_id: int) -> HttpResponse:
    """Take a reviewer's decision, then show the next alignment that waits."""
    reviewer, action = cast(User, request.user), request.POST.get("action", "")
    reviewing.refuse_unless_reviewer(reviewer)
    row = _decided(min(alignment_id, alignment_pages.LARGEST_ID), reviewer, request.POST)
    messages.success(request, alignment_pages.told(row, action))
    shown = reverse("alignment", args=[alignment_pages.after(row, action)])
    # Whoever goes on by keyboard stands before what is to be judged next, not before the menu.
    return redirect(f"{shown}#both")


def _decided(row_id: int, reviewer: User, form: QueryDict) -> Alignment:
    reason, seen = form.get("reason", ""), form.get("seen", "")
    match form.get("action"):
        case "approve":
            relation = form.get("relation", "")
            return reviewing.approve(
                row_id, reviewer=reviewer, relation=relation, reason=reason, seen=seen
            )
        case "reject":
            return reviewing.reject(row_id, reviewer=reviewer, reason=reason, seen=seen)
        case "undo":
            return reviewing.undo(row_id, reviewer=reviewer, seen=seen)
        case "propose":
            code = storable(form.get("code", ""))[:24]
            return reviewing.propose_successor(row_id, proposer=reviewer, code=code)
    raise Http404
