"""Pages of whoever looks at trainees' live consoles."""

import uuid
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.console.console_origin import console_origin
from range.workspace.presenters.looking import look_page, wall_page


@never_cache
@require_safe
def look(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show a trainee's console as it is now."""
    page = look_page(
        cast(User, request.user),
        attempt_id,
        machine=request.GET.get("machine", ""),
        console=request.GET.get("console", ""),
    )
    context = {"page": page, "console_origin": console_origin(request)}
    return render(request, "workspace/look.html", context)


@never_cache
@require_safe
def exercise_wall(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Show every open console of an exercise, small and live."""
    page = wall_page(cast(User, request.user), exercise_id)
    context = {"page": page, "console_origin": console_origin(request)}
    return render(request, "workspace/wall.html", context)
