"""Pages of an agency: the grid of candidates, comparison, stages, and kept searches."""

import uuid
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.pipeline.agency import asked as ask
from range.pipeline.agency import searches, stages
from range.pipeline.agency.compare import comparison
from range.pipeline.agency.defaults import change_default
from range.pipeline.agency.export import candidates_table
from range.pipeline.agency.grid import grid, named_agency
from range.pipeline.exports.tables import as_csv
from range.pipeline.readiness import Word

PAGE = "pipeline/candidates.html"


@require_safe
def candidates(request: HttpRequest) -> HttpResponse:
    """Show the grid of candidates as the address says; the grid alone where a page asks for it."""
    viewer = cast(User, request.user)
    found = grid(viewer, ask.asked_by(request.GET.dict()))
    context = {
        "grid": found,
        "link": found.link,
        "turns": found.turns,
        "figures": found.asked.shown == "figures",
        "searches": searches.searches_of(viewer, found.agency),
        "sorts": ask.SORTS,
        "stages": ask.STAGES,
        "words": [each.value for each in Word],
    }
    if request.headers.get("HX-Target") != "candidates-grid":
        return render(request, PAGE, context)
    answer = render(request, f"{PAGE}#candidates-grid", context)
    answer["HX-Push-Url"] = f"{reverse('candidates')}?{found.asked.query}"
    return answer


@require_safe
def compare_candidates(request: HttpRequest) -> HttpResponse:
    """Show up to four candidates side by side, in tiers."""
    people = [each for each in map(_uuid, request.GET.getlist("person")[:50]) if each.int]
    asked = ask.asked_by(request.GET.dict())
    found = comparison(cast(User, request.user), asked, people)
    context = {"comparison": found, "link": found.link}
    return render(request, "pipeline/compare.html", context)


@require_safe
def candidates_csv(request: HttpRequest) -> HttpResponse:
    """Hand out the candidates found as CSV."""
    table = candidates_table(cast(User, request.user), ask.asked_by(request.GET.dict()))
    return HttpResponse(
        as_csv(table),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="candidates.csv"',
            "Cache-Control": "private, no-store",
        },
    )


@require_POST
def keep_search(request: HttpRequest) -> HttpResponse:
    """Keep what the grid was asked for under a name."""
    asked = _asked_in_form(request)
    agency = named_agency(cast(User, request.user), asked.agency)
    name = request.POST.get("name", "")
    kept = searches.keep(cast(User, request.user), agency, name=name, asked=asked)
    messages.success(request, f"Kept as “{kept.name}”.")
    return redirect(f"{reverse('candidates')}?{kept.query}")


@require_POST
def forget_search(request: HttpRequest, search_id: uuid.UUID) -> HttpResponse:
    """Forget one of the viewer's own searches."""
    name = searches.forget(cast(User, request.user), search_id)
    messages.success(request, f"“{name}” is forgotten.")
    return redirect("candidates")


@require_POST
def change_agency(request: HttpRequest) -> HttpResponse:
    """Change which evidence the agency's lists count when nobody says otherwise."""
    asked = _asked_in_form(request)
    agency = named_agency(cast(User, request.user), asked.agency)
    only = request.POST.get("evidence") == "assessed"
    change_default(cast(User, request.user), agency, assessed_only=only)
    messages.success(
        request, f"{agency.name} now looks at {ask.EVIDENCE['assessed' if only else 'all']}."
    )
    return redirect(f"{reverse('candidates')}?{asked.query}")


@require_POST
def place_candidate(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Move a candidate to a stage, or keep a note."""
    sent = request.POST
    entry = stages.place(
        cast(User, request.user),
        agency_id=_uuid(sent.get("agency", "")),
        trainee_id=person_id,
        was=sent.get("was", ""),
        stage=sent.get("stage", ""),
        reason=sent.get("reason", ""),
        note=sent.get("note", ""),
    )
    moved = entry.before != entry.after
    messages.success(request, "Moved." if moved else "The note is kept.")
    return redirect(f"{reverse('person', args=[person_id])}#stages")


@require_POST
def undo_entry(request: HttpRequest, entry_id: uuid.UUID) -> HttpResponse:
    """Undo the newest entry about a candidate, by a further one."""
    entry = stages.undo(cast(User, request.user), entry_id=entry_id)
    messages.success(request, "Undone. Both entries stay readable.")
    return redirect(f"{reverse('person', args=[entry.candidacy.trainee_id])}#stages")


def _asked_in_form(request: HttpRequest) -> ask.Asked:
    # Longer than whatever a page writes: nothing asked for is lost.
    return ask.asked_by(QueryDict(request.POST.get("query", "")[:4000]).dict())


def _uuid(text: str) -> uuid.UUID:
    """Return the id in an address, or one that names nothing."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
