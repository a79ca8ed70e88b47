"""Pages for whoever runs the range: capacity, metrics, and whether everything runs."""

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.operations import status
from range.operations.capacity import capacity_page
from range.operations.metrics import exposition, refuse_strangers

PAGE = "operations/capacity.html"


@never_cache
@require_safe
def capacity(request: HttpRequest) -> HttpResponse:
    """Show administrators what runs, what waits, what still fits and what failed."""
    return render(request, PAGE, {"page": capacity_page(cast(User, request.user))})


@never_cache
@require_safe
def capacity_panel(request: HttpRequest) -> HttpResponse:
    """Show the same figures as they are now."""
    context = {"page": capacity_page(cast(User, request.user))}
    return render(request, f"{PAGE}#capacity-panel", context)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus with every figure, on this machine or with the token."""
    refuse_strangers(request)
    text, content_type = exposition(request.headers.get("Accept", ""))
    return HttpResponse(text, content_type=content_type)


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when everything runs, 503 otherwise, each with every role's state."""
    known = status.read(settings.RANGE_STATE_DIR)
    database = _database_answers()
    healthy = database and (not known.supervised or all(role.healthy for role in known.roles))
    content = {
        "status": "ok" if healthy else "degraded",
        "database": database,
        "supervised": known.supervised,
        "roles": {
            role.name: {"state": role.state, "since": role.since, "restarts": role.restarts}
            for role in known.roles
        },
    }
    return JsonResponse(content, status=200 if healthy else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True
