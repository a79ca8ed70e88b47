"""The desk: drafts and scenarios, beginning a draft, importing some, and what editors read."""

import json
import tempfile
from pathlib import Path
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts.access import can_see_workshop
from range.accounts.models import Organisation, User
from range.authoring.archive_names import ArchiveRefused
from range.authoring.draft_opening import (
    UPLOAD_LIMIT_BYTES,
    from_archive,
    from_format,
    from_skeleton,
)
from range.authoring.drafts import NotAuthor
from range.authoring.importing import suggestion
from range.authoring.models import Draft
from range.catalog.editor_schema import schema_text
from range.catalog.models import AllowedImage
from range.lib.bodies import takes_up_to
from range.lib.errors import RangeError
from range.workshop.presenters import desk_for

WORKSHOP = "workshop/workshop.html"
IMPORT = "workshop/import.html"


def author(request: HttpRequest) -> User:
    """Return whoever is signed in, if they write scenarios anywhere.

    Raises:
        PermissionDenied: They do not.
    """
    if not can_see_workshop(request.user):
        raise PermissionDenied
    return cast(User, request.user)


def organisation_for(request: HttpRequest) -> Organisation:
    """Return the organisation that a form names, the only one where it names none.

    Raises:
        NotAuthor: The viewer writes nothing there.
    """
    schools = desk_for(author(request)).schools
    wanted = request.POST.get("organisation", "")
    found = next((each for each in schools if str(each.pk) == wanted), None)
    if found is None and (wanted or not schools):
        raise NotAuthor
    return found or schools[0]


@never_cache
@require_safe
def workshop(request: HttpRequest) -> HttpResponse:
    """Show the drafts and scenarios of the viewer's organisations."""
    return render(request, WORKSHOP, {"desk": desk_for(author(request))})


@require_POST
def new_draft(request: HttpRequest) -> HttpResponse:
    """Begin a draft from a skeleton."""
    slug, kind = request.POST.get("slug", "").strip(), request.POST.get("kind", "")
    organisation = organisation_for(request)
    try:
        made = from_skeleton(slug, kind=kind, author=author(request), organisation=organisation)
    except RangeError as refusal:
        context = {
            "desk": desk_for(author(request)),
            "problem": refusal.message,
            "given": slug[:80],
            "kind": kind,
        }
        return render(request, WORKSHOP, context, status=refusal.status)
    return redirect("draft", made.pk)


@never_cache
@takes_up_to(UPLOAD_LIMIT_BYTES)
def import_drafts(request: HttpRequest) -> HttpResponse:
    """Make drafts of an uploaded archive, ours or another format's."""
    context: dict[str, object] = {"desk": desk_for(author(request))}
    if request.method != "POST":
        return render(request, IMPORT, context)
    try:
        made = _imported(request)
    except RangeError as refusal:
        context |= {"problem": refusal.message, "form": request.POST.get("format", "")}
        return render(request, IMPORT, context, status=refusal.status)
    if len(made) == 1:
        return redirect("draft", made[0].pk)
    messages.success(request, f"{len(made)} drafts were made, each with a report of its own.")
    return redirect("workshop")


@require_safe
def scenario_schema(request: HttpRequest) -> HttpResponse:
    """Give what the editor completes from: the schema, and the images that may be named."""
    author(request)
    images = AllowedImage.objects.filter(withdrawn_at=None).order_by("name")
    offered = list(images.values("name", "description"))
    return JsonResponse({"schema": json.loads(schema_text()), "images": offered})


def _imported(request: HttpRequest) -> list[Draft]:
    organisation = organisation_for(request)
    given = request.FILES.get("file")
    if not isinstance(given, UploadedFile) or not given.size:
        raise ArchiveRefused("Choose a file to upload first.")
    if given.size > UPLOAD_LIMIT_BYTES:
        raise ArchiveRefused(f"The file holds more than {UPLOAD_LIMIT_BYTES >> 20} MiB.")
    form = request.POST.get("format") or "muster"
    with tempfile.TemporaryDirectory(prefix="muster-upload-") as place:
        path = Path(place) / "upload"
        path.write_bytes(given.read())
        try:
            return _drafts_of(path, form, str(given.name), author(request), organisation)
        except RangeError as refusal:
            hint = suggestion(path, chosen=form)
            raise ArchiveRefused(refusal.message + hint) if hint else refusal from None


def _drafts_of(
    path: Path, form: str, name: str, writer: User, organisation: Organisation
) -> list[Draft]:
    if form != "muster":
        return from_format(path, form=form, author=writer, organisation=organisation)
    with path.open("rb") as source:
        return [from_archive(source, name=name, author=writer, organisation=organisation)]
