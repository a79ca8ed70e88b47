"""People added from a CSV file: what would happen first, then all or nothing."""

import uuid
from urllib.parse import quote

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from range.accounts import roster
from range.accounts.cohorts import cohort_of
from range.accounts.models import Cohort
from range.teaching.views.cohorts import teacher

PAGE = "teaching/people.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add_people(request: HttpRequest, cohort_id: uuid.UUID) -> HttpResponse:
    """Take a file, show what would become of each line, and write it when told to."""
    cohort = cohort_of(request.user, cohort_id)
    context: dict[str, object] = {"cohort": cohort, "most": roster.ROWS_AT_MOST}
    if request.method != "POST":
        return render(request, PAGE, context)
    try:
        context |= _taken(request, cohort)
    except roster.RosterRefused as refusal:
        context["problem"] = refusal.message
        return render(request, PAGE, context, status=refusal.status)
    return render(request, PAGE, context)


def _taken(request: HttpRequest, cohort: Cohort) -> dict[str, object]:
    if "confirm" not in request.POST:
        return {"roster": roster.read(_uploaded(request), cohort)}
    # Everything is judged anew: what was shown may have changed, and forms can be forged.
    text = roster.decode(request.POST.get("csv", "").encode())
    judged, admitted = roster.admit(text, cohort, viewer=teacher(request))
    if judged.problems:
        return {"roster": judged}
    given = roster.passwords_csv(admitted)
    return {"admitted": admitted, "new": judged.new, "download": quote(given, safe="")}


def _uploaded(request: HttpRequest) -> str:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise roster.RosterRefused("Choose a file first.", reason="no-file")
    # Read no more than one byte too many, whatever size was announced.
    return roster.decode(file.read(roster.BYTES_AT_MOST + 1))
