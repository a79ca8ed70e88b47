"""One draft: the editor's page, what stands beside it, its history and its changes."""

import io
import uuid

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.authoring import drafts
from range.authoring.archives import export_scenario
from range.authoring.comparing import compare
from range.authoring.draft_opening import files_of_version
from range.authoring.drafts import DraftMissing
from range.authoring.models import Draft
from range.catalog.briefs import to_html
from range.catalog.source import unpacked
from range.timeline.services import events_of
from range.workshop.presenters import side_of, tree_of
from range.workshop.views.desk import author
from range.workspace.presenters.specs import safe

DRAFT = "workshop/draft.html"
HISTORY = "workshop/history.html"
CHANGES = "workshop/changes.html"
REVISIONS_SHOWN = 200


@never_cache
@require_safe
def draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Show a draft's files, the editor, and what is to say about it."""
    found = drafts.draft_of(author(request), draft_id)
    context = {
        "draft": found,
        "tree": tree_of(drafts.files_of(found), request.user),
        "report": safe(to_html(found.report)),
    }
    return render(request, DRAFT, context)


@never_cache
@require_safe
def draft_side(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Show the draft's problems, and one drawn attempt of it."""
    found = drafts.draft_of(author(request), draft_id)
    variant, sample = (number(request.GET.get(name)) for name in ("variant", "sample"))
    context = {"draft": found, "side": side_of(found, variant=variant, sample=sample)}
    return render(request, f"{DRAFT}#draft-side", context)


@require_POST
def archive_draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Put a draft away, or take it up again."""
    restored = "restore" in request.POST
    found = drafts.archive(draft_id, author=author(request), restored=restored)
    if restored:
        messages.success(request, f"{found.title} is taken up again.")
        return redirect("draft", found.pk)
    messages.success(request, f"{found.title} is archived. Nothing of it is lost.")
    return redirect("workshop")


@require_POST
def put_report_away(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Stop showing what became of an imported source."""
    found = drafts.draft_of(author(request), draft_id)
    Draft.objects.filter(pk=found.pk).update(report="")
    return redirect("draft", found.pk)


@never_cache
@require_safe
def export_draft(request: HttpRequest, draft_id: uuid.UUID) -> FileResponse:
    """Give a draft as an archive."""
    found = drafts.draft_of(author(request), draft_id)
    packed = io.BytesIO()
    with drafts.folder_of(found) as folder:
        export_scenario(folder, packed)
    packed.seek(0)
    return FileResponse(packed, as_attachment=True, filename=f"{found.slug}.zip")


@never_cache
@require_safe
def draft_history(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Show a draft's revisions and what was done to it."""
    found = drafts.draft_of(author(request), draft_id)
    revisions = found.revisions.select_related("made_by").defer("files").order_by("-number")
    context = {
        "draft": found,
        "revisions": revisions[:REVISIONS_SHOWN],
        "events": list(events_of(found.pk))[::-1],
    }
    return render(request, HISTORY, context)


@require_POST
def change_revision(request: HttpRequest, draft_id: uuid.UUID, number: int) -> HttpResponse:
    """Give a revision a name, or make the draft what it was at it."""
    if "restore" in request.POST:
        now = drafts.restore(draft_id, number, author=author(request))
        messages.success(
            request, f"The draft is what it was at revision {number}; this is {now.revision}."
        )
        return redirect("draft", draft_id)
    name = request.POST.get("name", "")
    drafts.name_revision(draft_id, number, name, author=author(request))
    return redirect("draft-history", draft_id)


@never_cache
@require_safe
def draft_changes(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Compare a draft with an earlier revision, or with the version it was opened from."""
    viewer = author(request)
    found = drafts.draft_of(viewer, draft_id)
    wanted = request.GET.get("revision")
    before, name = {}, ""
    if wanted:
        earlier = found.revisions.filter(number=number(wanted)).first()
        if earlier is None:
            raise DraftMissing
        before, name = unpacked(earlier.files), f"revision {earlier.number}"
    elif found.opened_from is not None:
        before = files_of_version(found.opened_from, viewer=viewer)
        name = f"version {found.opened_from.version}"
    context = {"draft": found, "before": name, "after": f"revision {found.revision}"}
    context |= {"differences": compare(before, drafts.files_of(found))}
    return render(request, CHANGES, context)


def number(text: str | None) -> int:
    """Return a small number from an address or a form; 0 where it is none."""
    given = text or ""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 8 else 0
