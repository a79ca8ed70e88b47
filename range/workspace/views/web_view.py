"""Opens a machine's web page: in the workspace, or in a tab of its own."""

import uuid
from typing import cast
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_POST

from range.accounts.models import User
from range.exercises.models import Attempt
from range.exercises.services import active_attempt_of
from range.lib.errors import RangeError
from range.webview.addresses import WHERE, offered_to
from range.webview.services import NoSuchView, open_view


@require_POST
def open_web_view(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Let this browser in: a script is told the address, a form is led to it."""
    attempt = active_attempt_of(request.user, attempt_id)
    asked_by_script = request.headers.get("Accept") == "application/json"
    try:
        address = _way_in(request, attempt)
    except RangeError as error:
        if not asked_by_script:
            raise
        return JsonResponse({"message": error.message}, status=error.status)
    if not asked_by_script:
        return HttpResponseRedirect(address)
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    return JsonResponse({"enter": address, "origin": origin, "where": origin + WHERE})


def _way_in(request: HttpRequest, attempt: Attempt) -> str:
    if not offered_to(f"{request.scheme}://{request.get_host()}"):
        raise NoSuchView
    person, machine = cast(User, request.user), request.POST.get("machine", "")
    return open_view(person, attempt, machine, session_key=request.session.session_key or "")
