"""The page of a class: attempts under way and what befell their machines."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.workspace.presenters.under_way import under_way_page

PAGE = "workspace/under_way.html"


@never_cache
@require_safe
def under_way(request: HttpRequest) -> HttpResponse:
    """Show those who teach what their trainees are at, and whose machines need somebody."""
    return render(request, PAGE, {"page": under_way_page(cast(User, request.user))})


@never_cache
@require_safe
def under_way_panel(request: HttpRequest) -> HttpResponse:
    """Show the same as it is now."""
    context = {"page": under_way_page(cast(User, request.user))}
    return render(request, f"{PAGE}#under-way-panel", context)
