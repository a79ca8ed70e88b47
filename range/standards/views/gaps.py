"""What a group of people lacks for a role, and who stands where with one skill."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.pipeline.readiness import ENOUGH_CHECKS, ENOUGH_SCENARIOS
from range.standards import gaps as lacking


@never_cache
@require_safe
def gaps(request: HttpRequest) -> HttpResponse:
    """Show where the people of a group stand with each skill that a role asks for."""
    found = lacking.gaps(cast(User, request.user), lacking.asked_by(request.GET.dict()))
    words = {"enough_checks": ENOUGH_CHECKS, "enough_scenarios": ENOUGH_SCENARIOS}
    return render(request, "standards/gaps.html", {"gaps": found, **words})


@never_cache
@require_safe
def skill_gap(request: HttpRequest, key: str) -> HttpResponse:
    """Show the people behind one figure, each with what is known of them."""
    found = lacking.skill_gap(
        cast(User, request.user),
        lacking.asked_by(request.GET.dict()),
        key=key,
        place=request.GET.get("place", ""),
        number=request.GET.get("page", "1"),
    )
    if found is None:
        raise Http404
    return render(request, "standards/skill_gap.html", {"found": found, "link": found.link})
