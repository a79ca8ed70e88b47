"""Downloads of what goes out; each leaves an access record that the person sees."""

import uuid
from pathlib import Path
from typing import cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.pipeline.exports import asking, verify_evidence
from range.timeline import tombstones


@require_safe
def evidence_file(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Hand out everything that a person's finished attempts showed, signed."""
    person, data = asking.evidence_of_person(cast(User, request.user), person_id)
    return attached(data, "application/zip", f"evidence-{name_of(person)}.zip")


@require_safe
def attempt_file(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Hand out one finished attempt, signed."""
    person, data = asking.evidence_of_attempt(cast(User, request.user), attempt_id)
    return attached(data, "application/zip", f"evidence-{name_of(person)}-{attempt_id}.zip")


@require_safe
@login_not_required
def evidence_keys(request: HttpRequest) -> HttpResponse:
    """Hand out the public keys that verify what this range signed."""
    return JsonResponse(tombstones.keys().listed(), json_dumps_params={"indent": 2})


@require_safe
@login_not_required
def verify_program(request: HttpRequest) -> HttpResponse:
    """Hand out the program that verifies evidence files, to be read before it is run."""
    source = Path(verify_evidence.__file__).read_bytes()
    return HttpResponse(source, content_type="text/x-python; charset=utf-8")


def attached(data: bytes, content_type: str, name: str) -> HttpResponse:
    """Return bytes as a download that nobody between keeps."""
    return HttpResponse(
        data,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


def name_of(person: User) -> str:
    """Return a person's name as a part of a file's name."""
    return slugify(person.shown_name)[:60] or "person"
