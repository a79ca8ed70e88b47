"""Downloads of what goes out; each leaves an access record that the person sees."""

import json
import uuid
from pathlib import Path
from typing import cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.pipeline.exports import asking, case, tables, verify_evidence
from range.pipeline.exports.badge import credential_jwt
from range.pipeline.exports.report import report
from range.pipeline.exports.xapi import statements_of
from range.pipeline.profile import Profile, asked_by
from range.timeline import tombstones

JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
def evidence_report(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Hand out the evidence report as PDF."""
    asked = profile_for(request, person_id, what="evidence report (PDF)")
    return attached(report(asked), "application/pdf", f"evidence-{name_of(asked.person)}.pdf")


@require_safe
def skills_csv(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Hand out the skills of a person as CSV."""
    asked = profile_for(request, person_id, what="skills (CSV)")
    data = tables.as_csv(tables.skills_table(asked))
    return attached(data, "text/csv; charset=utf-8", f"skills-{name_of(asked.person)}.csv")


@require_safe
def evidence_csv(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Hand out the records of a person as CSV."""
    asked = profile_for(request, person_id, what="evidence (CSV)")
    data = tables.as_csv(tables.evidence_table(asking.records_of(asked)))
    return attached(data, "text/csv; charset=utf-8", f"evidence-{name_of(asked.person)}.csv")


@require_safe
def workbook(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Hand out skills and records of a person as one workbook."""
    asked = profile_for(request, person_id, what="skills and evidence (XLSX)")
    sheets = [tables.skills_table(asked), tables.evidence_table(asking.records_of(asked))]
    return attached(tables.as_xlsx(sheets), XLSX, f"skills-{name_of(asked.person)}.xlsx")


@require_safe
def statements(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Hand out what a person's attempts showed as xAPI statements."""
    asked = profile_for(request, person_id, what="xAPI statements")
    told = json.dumps(statements_of(asking.attempts_of(asked)), ensure_ascii=False, indent=1)
    return attached(told.encode(), JSON, f"statements-{name_of(asked.person)}.json")


@require_safe
def badge(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Hand out a person's skills as a signed Open Badges credential."""
    asked = profile_for(request, person_id, what="Open Badges credential")
    return attached(
        credential_jwt(asked).encode(), "application/vc+jwt", f"badge-{name_of(asked.person)}.jwt"
    )


@require_safe
def competencies(request: HttpRequest) -> HttpResponse:
    """Hand out our observable skills and their alignments as a CASE package."""
    data = json.dumps(case.package(), ensure_ascii=False, indent=1).encode()
    return attached(data, JSON, "observable-skills-case.json")


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


def profile_for(request: HttpRequest, person_id: uuid.UUID, *, what: str) -> Profile:
    """Return what the person's page would show for the same choices, and record the taking."""
    viewer = cast(User, request.user)
    asked = asked_by(viewer, request.GET.dict())
    return asking.profile_to_take(viewer, person_id, asked=asked, what=what)


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
