"""Files of a draft: read by the editor, saved by it, added, renamed, deleted and brought back."""

import json
import uuid
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.authoring import drafts
from range.authoring.draft_files import (
    FILE_LIMIT_BYTES,
    TEXT_LIMIT_BYTES,
    TOTAL_LIMIT_BYTES,
    FileRefused,
)
from range.authoring.drafts import Change, Stale
from range.authoring.models import Draft
from range.catalog.source import File, unpacked
from range.lib.bodies import takes_up_to
from range.lib.errors import RangeError
from range.workshop.presenters import tree_of
from range.workshop.views.desk import author
from range.workshop.views.drafts import DRAFT, number

BODY_LIMIT_BYTES = 2 * TEXT_LIMIT_BYTES
UPLOADS_LIMIT = 50


@never_cache
@require_safe
def draft_file(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Give one file's text to the editor."""
    found = drafts.draft_of(author(request), draft_id)
    return JsonResponse(_told(found, request.GET.get("path", "")))


@never_cache
@require_safe
def download_file(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Give one file as it is; never as something a browser would open."""
    found = drafts.draft_of(author(request), draft_id)
    path = request.GET.get("path", "")
    file = _file(found, path)
    response = HttpResponse(file.data, content_type="application/octet-stream")
    name = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in path)
    response.headers["Content-Disposition"] = f'attachment; filename="{name[-100:]}"'
    return response


@require_POST
def save_draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Save one file's text; whoever is too late gets both texts to choose from."""
    viewer = author(request)
    try:
        path, words, base = _given(request)
        there = drafts.files_of(drafts.draft_of(viewer, draft_id)).get(path)
        file = File(data=words.encode(), executable=bool(there and there.executable))
        changes = {path: Change(file=file, base=base)}
        about = f"Wrote {path}"
        saved = drafts.change(draft_id, changes, author=viewer, about=about)
    except Stale as stale:
        return JsonResponse(_told(stale.draft, path) | {"message": stale.message}, status=409)
    except RangeError as refusal:
        answer = {"message": refusal.message, "reason": refusal.reason}
        return JsonResponse(answer, status=refusal.status)
    return JsonResponse({"revision": saved.revision, "sha256": file.sha256, "title": saved.title})


@require_POST
@takes_up_to(TOTAL_LIMIT_BYTES)
def draft_files(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Add, upload, rename, delete or bring back files, and show the tree as it is then."""
    viewer = author(request)
    given = request.POST
    act = _ACTS.get(given.get("action", ""))
    if act is None:
        raise FileRefused("Choose what to do with the file.")
    drafts.draft_of(viewer, draft_id)
    context: dict[str, object] = {}
    try:
        context = act(request, viewer, draft_id)
    except RangeError as refusal:
        context = {"problem": refusal.message}
    if request.headers.get("HX-Request") != "true":
        return redirect("draft", draft_id)
    now = drafts.draft_of(viewer, draft_id)
    context |= {"draft": now, "tree": tree_of(drafts.files_of(now), viewer)}
    return render(request, f"{DRAFT}#draft-files", context)


def _add(request: HttpRequest, viewer: User, draft_id: uuid.UUID) -> dict[str, object]:
    path = request.POST.get("path", "").strip()
    draft = drafts.draft_of(viewer, draft_id)
    if path in draft.files:
        raise FileRefused("There is a file of that name already.")
    added = {path: Change(file=File(data=b""))}
    drafts.change(draft_id, added, author=viewer, about=f"Added {path}")
    return {"opened": path}


def _upload(request: HttpRequest, viewer: User, draft_id: uuid.UUID) -> dict[str, object]:
    given = [each for each in request.FILES.getlist("files") if isinstance(each, UploadedFile)]
    if not given or len(given) > UPLOADS_LIMIT:
        raise FileRefused(f"Choose between one file and {UPLOADS_LIMIT} to upload.")
    large = next((each for each in given if (each.size or 0) > FILE_LIMIT_BYTES), None)
    if large is not None:
        raise FileRefused(f"A file of a draft holds at most {FILE_LIMIT_BYTES >> 20} MiB.")
    folder = request.POST.get("folder", "").strip().strip("/")
    draft = drafts.draft_of(viewer, draft_id)
    there = drafts.files_of(draft)
    changes = {}
    for each in given:
        path = f"{folder}/{each.name}" if folder else str(each.name)
        before = there.get(path)
        changes[path] = Change(file=File(data=each.read()), base=before.sha256 if before else None)
    about = f"Uploaded {', '.join(changes)}"
    drafts.change(draft_id, changes, author=viewer, about=about)
    return {"done": f"Uploaded {len(changes)} file{'s' * (len(changes) > 1)}."}


def _rename(request: HttpRequest, viewer: User, draft_id: uuid.UUID) -> dict[str, object]:
    path, wanted = request.POST.get("path", ""), request.POST.get("wanted", "").strip()
    drafts.rename_file(draft_id, path, wanted, author=viewer)
    return {"opened": wanted, "renamed": path}


def _delete(request: HttpRequest, viewer: User, draft_id: uuid.UUID) -> dict[str, object]:
    """Delete a file, or everything below a folder."""
    path = request.POST.get("path", "")
    draft = drafts.draft_of(viewer, draft_id)
    files = drafts.files_of(draft)
    doomed = [each for each in files if each == path or each.startswith(f"{path}/")]
    if not doomed:
        raise FileRefused("There is no such file any more.")
    changes = {each: Change(file=None, base=files[each].sha256) for each in doomed}
    drafts.change(draft_id, changes, author=viewer, about=f"Deleted {path}")
    return {"deleted": path, "undo": draft.revision}


def _undo(request: HttpRequest, viewer: User, draft_id: uuid.UUID) -> dict[str, object]:
    """Bring deleted files back from the revision before."""
    path = request.POST.get("path", "")
    draft = drafts.draft_of(viewer, draft_id)
    before = draft.revisions.filter(number=number(request.POST.get("from"))).first()
    files = unpacked(before.files) if before else {}
    back = {each: file for each, file in files.items() if f"{each}/".startswith(f"{path}/")}
    if not back:
        raise FileRefused("That revision is not kept any more; look into the history.")
    changes = {each: Change(file=file) for each, file in back.items()}
    drafts.change(draft_id, changes, author=viewer, about=f"Brought {path} back")
    return {"done": f"{path} is back."}


_ACTS = {"add": _add, "upload": _upload, "rename": _rename, "delete": _delete, "undo": _undo}


def _given(request: HttpRequest) -> tuple[str, str, str | None]:
    if int(request.headers.get("Content-Length") or 0) > BODY_LIMIT_BYTES:
        raise FileRefused(f"Text of at most {TEXT_LIMIT_BYTES} bytes can be edited here.")
    try:
        given: Any = json.loads(request.body)
        path, words = str(given["path"]), str(given["text"])
        base = given.get("base")
        size = len(words.encode())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileRefused("The page sent something else than a text; reload it.") from error
    if size > TEXT_LIMIT_BYTES or "\0" in words:
        raise FileRefused(
            f"Text of at most {TEXT_LIMIT_BYTES} bytes without null characters can be edited here."
        )
    return path, words, base if isinstance(base, str) else None


def _file(draft: Draft, path: str) -> File:
    file = drafts.files_of(draft).get(path)
    if file is None:
        raise FileRefused("There is no such file any more.")
    return file


def _told(draft: Draft, path: str) -> dict[str, Any]:
    """Return what an editor needs of one file as it is now; without text where it is gone."""
    file = drafts.files_of(draft).get(path)
    newest = draft.revisions.select_related("made_by").order_by("-number").first()
    return {
        "path": path,
        "text": file.text if file and len(file.data) <= TEXT_LIMIT_BYTES else None,
        "sha256": file.sha256 if file else None,
        "size_bytes": len(file.data) if file else 0,
        "revision": draft.revision,
        "by": newest.made_by.shown_name if newest else "",
        "at": draft.changed_at.isoformat(),
    }
