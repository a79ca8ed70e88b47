"""The pages of knowledge: what the tutor may quote, and the texts that instructors give it."""

import uuid
from typing import cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from range.accounts.cohorts import NotStaff, schools_for
from range.accounts.models import Organisation, User
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.timeline.services import events_of
from tutor import given_text, library, uploads
from tutor.library import ChunkView
from tutor.markup import render as as_html
from tutor.models import Source, Upload
from tutor.rungs import describe
from tutor.uploads import Change, Given, KnowledgeMissing

LIST = "tutor/knowledge.html"
FORM = "tutor/knowledge_form.html"
PREVIEW = "tutor/knowledge_preview.html"
SOURCE = "tutor/knowledge_source.html"
WITHDRAW = "tutor/knowledge_withdraw.html"
# What htmx takes as: show this, and ask no more.
OVER = 286
FIELDS = ("title", "version", "license", "url", "scenario")


@never_cache
@require_safe
def knowledge(request: HttpRequest) -> HttpResponse:
    """List the school's own texts and the collections, or the sources of one collection."""
    schools = schools_for(request.user)
    if key := request.GET.get("collection", ""):
        sought = storable(request.GET.get("q", ""))[:80].strip()
        page = library.collection_page(schools, key, sought=sought)
        if page is None:
            raise KnowledgeMissing
        return render(request, LIST, {"collection": page})
    return render(request, LIST, {"page": library.library_page(schools)})


@never_cache
def add_knowledge(request: HttpRequest) -> HttpResponse:
    """Take a new text, and lead to its preview."""
    return _form(request, school_for(request))


@never_cache
def replace_knowledge(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Take a text in place of another, and lead to what would change."""
    source = uploads.own_source(request.user, source_id)
    return _form(request, cast(Organisation, source.organisation), replaces=source)


def _form(
    request: HttpRequest, school: Organisation, *, replaces: Source | None = None
) -> HttpResponse:
    context: dict[str, object] = {
        "schools": schools_for(request.user),
        "school": school,
        "scenarios": uploads.scenarios_for(school),
        "rungs": library.rungs(),
        "replaces": replaces,
        "limit_mib": given_text.LIMIT_BYTES >> 20,
        "given": _given_before(replaces),
    }
    if request.method != "POST":
        return render(request, FORM, context)
    try:
        given = _given(request)
        made = uploads.take(cast(User, request.user), school, given, replaces=replaces)
    except RangeError as refusal:
        context |= {"problem": refusal.message, "given": request.POST}
        return render(request, FORM, context, status=refusal.status)
    return redirect("knowledge-upload", made.pk)


def school_for(request: HttpRequest) -> Organisation:
    """Return the school that a form names, the first where it names none.

    Raises:
        NotStaff: The viewer does not teach there.
    """
    schools = schools_for(request.user)
    wanted = request.POST.get("organisation", "")
    found = next((each for each in schools if str(each.pk) == wanted), None)
    if found is None and wanted:
        raise NotStaff
    return found or schools[0]


def _given_before(replaces: Source | None) -> dict[str, object]:
    if replaces is None:
        return {"min_rung": "1", "version": "1"}
    line = library.lines_of(Source.objects.filter(pk=replaces.pk))[0]
    named: dict[str, object] = {name: getattr(replaces, name) for name in FIELDS}
    return named | {
        "version": "",
        "min_rung": str(line.rung.rung),
        "spoils": "on" if line.spoils else "",
    }


def _given(request: HttpRequest) -> Given:
    file, text, name = request.FILES.get("file"), request.POST.get("text", ""), ""
    if isinstance(file, UploadedFile):
        name = str(file.name)
        text = given_text.text_of(file.read(given_text.LIMIT_BYTES + 1), name=name)
    else:
        text = given_text.checked(text)
    rung = request.POST.get("min_rung", "")
    return Given(
        text=text,
        name=name.rpartition(".")[0].replace("_", " "),
        min_rung=int(rung) if rung in "01234" and rung else -1,
        spoils=bool(request.POST.get("spoils")),
        **{field: request.POST.get(field, "").strip() for field in FIELDS},
    )


@never_cache
def knowledge_upload(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Show the passages that a text becomes; store it or throw it away."""
    upload = uploads.upload_of(request.user, upload_id)
    if request.method == "POST":
        return _decide(request, upload)
    preview = uploads.preview_of(upload)
    shown = [_chunk(change) for change in preview.changes[: library.CHUNKS_SHOWN]]
    context = {
        "upload": upload,
        "preview": preview,
        "chunks": shown,
        "more": len(preview.changes) - len(shown),
        "warned": any(given_text.reads_like_an_order(c.piece.text) for c in preview.changes),
        "scope": library.scope_of(upload.scenario),
        "rung": describe(upload.min_rung),
    }
    return render(request, PREVIEW, context)


def _chunk(change: Change) -> ChunkView:
    piece = change.piece
    return ChunkView(
        heading=piece.heading,
        html=as_html(piece.text),
        rung=describe(piece.min_rung),
        characters=len(piece.text),
        state="new" if change.is_new else "kept",
        warning=given_text.reads_like_an_order(f"{piece.heading}\n{piece.text}"),
        asks=piece.asks,
    )


def _decide(request: HttpRequest, upload: Upload) -> HttpResponse:
    if "drop" in request.POST:
        upload.delete()
        messages.success(request, f"{upload.title} was thrown away.")
        return redirect("knowledge")
    source = uploads.keep(upload, viewer=cast(User, request.user))
    messages.success(request, f"{source.title} is in. The tutor can quote it from now on.")
    return redirect("knowledge-source", source.pk)


@never_cache
@require_safe
def knowledge_source(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Show a source with its passages and what became of it."""
    return render(request, SOURCE, _source(request, source_id))


@never_cache
@require_safe
def knowledge_progress(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Show how far a source's passages are embedded; the last answer ends the asking."""
    context = _source(request, source_id)
    waiting = cast(library.SourceLine, context["line"]).waiting
    template = f"{SOURCE}#knowledge-progress"
    return render(request, template, context, status=200 if waiting else OVER)


def _source(request: HttpRequest, source_id: uuid.UUID) -> dict[str, object]:
    source = uploads.source_of(request.user, source_id)
    chunks = library.chunks_of(source)
    line = library.lines_of(Source.objects.filter(pk=source.pk))[0]
    is_own = source.origin == Source.Origin.UPLOAD
    return {
        "line": line,
        "chunks": chunks,
        "more": line.chunks - len(chunks),
        "is_own": is_own,
        "events": list(events_of(source.pk).reverse()[:20]) if is_own else [],
    }


@never_cache
def withdraw_knowledge(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Ask, then take a text out of the index."""
    source = uploads.own_source(request.user, source_id)
    if request.method != "POST":
        line = library.lines_of(Source.objects.filter(pk=source.pk))[0]
        return render(request, WITHDRAW, {"line": line})
    uploads.withdraw(source, viewer=cast(User, request.user))
    messages.success(request, f"{source.title} is withdrawn. The tutor no longer quotes it.")
    return redirect("knowledge")
