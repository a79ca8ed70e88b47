"""Pages of skills: one's own, the list of people, a person, and one piece of evidence."""

import uuid
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from range.accounts.models import User
from range.lib.storable import storable
from range.pipeline import consent as agreed
from range.pipeline import evidence_page as one
from range.pipeline import people as several
from range.pipeline.profile import PersonMissing, Profile, asked_by, profile


@require_safe
def my_skills(request: HttpRequest) -> HttpResponse:
    """Show the viewer's own skills: everything that an agency would see."""
    viewer = cast(User, request.user)
    asked = asked_by(viewer, request.GET.dict())
    context = {"profile": profile(viewer, viewer=viewer, asked=asked), "own": True}
    return render(request, "pipeline/my_skills.html", context)


@require_safe
def person(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Show a person's skills to whoever they consented to; the look is written down."""
    context = {"profile": _profile(request, person_id), "own": False}
    return render(request, "pipeline/person.html", context)


@require_safe
def person_skill(request: HttpRequest, person_id: uuid.UUID, skill: str) -> HttpResponse:
    """Show one skill of a person with the evidence behind it: where every cell leads."""
    found = _profile(request, person_id)
    line = next((each for each in found.lines if each.key == skill), None)
    if line is None:
        raise Http404
    return render(request, "pipeline/person_skill.html", {"profile": found, "lines": [line]})


def _profile(request: HttpRequest, person_id: uuid.UUID) -> Profile:
    viewer = cast(User, request.user)
    subject = User.objects.filter(pk=person_id, is_active=True).first()
    if subject is None:
        raise PersonMissing
    return profile(subject, viewer=viewer, asked=asked_by(viewer, request.GET.dict()))


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """List the people whose skills the viewer may see."""
    viewer = cast(User, request.user)
    asked = asked_by(viewer, request.GET.dict())
    page = several.people_page(
        viewer,
        role_code=asked.role_code,
        assessed_only=asked.assessed_only,
        # The database has no place for a NUL in a text.
        search=storable(request.GET.get("search", ""))[:100],
        number=request.GET.get("page", "1"),
    )
    return render(request, "pipeline/people.html", {"people": page})


@require_safe
def evidence(request: HttpRequest, evidence_id: uuid.UUID) -> HttpResponse:
    """Show one piece of evidence: score, check, excerpt, and the way into the replay."""
    page = one.evidence_page(evidence_id, viewer=cast(User, request.user))
    return render(request, "pipeline/evidence.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: HttpRequest) -> HttpResponse:
    """Show which agencies may look, and let the trainee agree or withdraw."""
    trainee = cast(User, request.user)
    if request.method != "POST":
        context = {"agencies": agreed.agencies_for(trainee), "days": agreed.DAYS_OFFERED}
        return render(request, "pipeline/consent.html", context)
    agency_id, days = _uuid(request.POST.get("agency", "")), request.POST.get("days", "")
    if request.POST.get("action") == "withdraw":
        agreed.withdraw(trainee, agency_id=agency_id)
        messages.success(request, "Withdrawn. The agency can no longer see your skills.")
    else:
        agreed.grant(trainee, agency_id=agency_id, days=_days(days))
        messages.success(request, "Agreed. You see under My skills whenever somebody looks.")
    return redirect("consent")


def _days(text: str) -> int:
    """Return the number in a form, or one that is not offered."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _uuid(text: str) -> uuid.UUID:
    """Return the id in a form, or one that names nothing."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
