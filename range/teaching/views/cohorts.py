"""Cohorts: listed, made, renamed, archived; their links and people."""

import uuid
from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts import cohorts, invitations
from range.accounts.models import Cohort, User
from range.lib.errors import RangeError
from range.teaching.presenters import cohort_page, teaching_page

TEACHING = "teaching/teaching.html"
COHORT = "teaching/cohort.html"
CONFIRM = "teaching/confirm.html"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked before somebody's account or place changes."""

    title: str
    text: str
    button: str


_ASKED = {
    "remove": Question(
        title="Take {who} out of this cohort?",
        text="They no longer see what is assigned to it. Their account, attempts and evidence "
        "stay, and they can be added again.",
        button="Take out",
    ),
    "password": Question(
        title="Give {who} a one-time password?",
        text="The present password no longer works, and {who} is signed out everywhere. You see "
        "the new one once, and they choose their own when they sign in with it.",
        button="Give a one-time password",
    ),
    "close": Question(
        title="Close the account of {who}?",
        text="They are signed out and cannot sign in again. Attempts and evidence stay, and you "
        "can open the account again here.",
        button="Close the account",
    ),
    "reopen": Question(
        title="Open the account of {who} again?",
        text="They can sign in with the password they had.",
        button="Open the account",
    ),
}


def teacher(request: HttpRequest) -> User:
    """Return whoever is signed in; services decide what they may."""
    return cast(User, request.user)


@never_cache
@require_safe
def teaching(request: HttpRequest) -> HttpResponse:
    """Show the cohorts and exercises of the schools the viewer teaches in."""
    page = teaching_page(cohorts.schools_for(request.user))
    return render(request, TEACHING, {"page": page})


@require_POST
def make_cohort(request: HttpRequest) -> HttpResponse:
    """Make a cohort, and open it."""
    schools = cohorts.schools_for(request.user)
    wanted = request.POST.get("organisation", "")
    school = next((each for each in schools if str(each.pk) == wanted), schools[0])
    if wanted and str(school.pk) != wanted:
        raise cohorts.NotStaff
    try:
        cohort = cohorts.make(
            teacher(request), organisation_id=school.pk, name=request.POST.get("name", "")
        )
    except RangeError as refusal:
        context = {
            "page": teaching_page(schools),
            "problem": refusal.message,
            "given": request.POST.get("name", "")[:200],
        }
        return render(request, TEACHING, context, status=refusal.status)
    return redirect("cohort", cohort.pk)


@never_cache
@require_safe
def cohort(request: HttpRequest, cohort_id: uuid.UUID) -> HttpResponse:
    """Show one cohort."""
    return _cohort(request, cohorts.cohort_of(request.user, cohort_id))


def _cohort(request: HttpRequest, found: Cohort, **shown: object) -> HttpResponse:
    status = 422 if "problem" in shown else 200
    return render(request, COHORT, {"page": cohort_page(found)} | shown, status=status)


@require_POST
def change_cohort(request: HttpRequest, cohort_id: uuid.UUID) -> HttpResponse:
    """Rename, archive or restore a cohort."""
    found = cohorts.cohort_of(request.user, cohort_id)
    if "archive" in request.POST:
        cohorts.archive(found, viewer=teacher(request))
        messages.success(request, f"{found.name} is archived. Its people and their work stay.")
        return redirect("teaching")
    if "restore" in request.POST:
        cohorts.archive(found, viewer=teacher(request), restored=True)
        messages.success(request, f"{found.name} is taught again.")
        return redirect("cohort", found.pk)
    try:
        cohorts.rename(found, request.POST.get("name", ""), viewer=teacher(request))
    except RangeError as refusal:
        return _cohort(request, found, problem=refusal.message)
    return redirect("cohort", found.pk)


@never_cache
@require_POST
def invite(request: HttpRequest, cohort_id: uuid.UUID) -> HttpResponse:
    """Make a link into the cohort, and show it this once."""
    found = cohorts.cohort_of(request.user, cohort_id)
    days, uses = (_number(request, name) for name in ("days", "uses"))
    try:
        made, token = invitations.invite(found, viewer=teacher(request), days=days, uses=uses)
    except RangeError as refusal:
        return _cohort(request, found, invite_problem=refusal.message, problem="")
    link = request.build_absolute_uri(reverse("join", args=[token]))
    return _cohort(request, found, link=link, invitation=made)


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


@require_POST
def revoke_invitation(
    request: HttpRequest, cohort_id: uuid.UUID, invitation_id: uuid.UUID
) -> HttpResponse:
    """Make a link open nothing any more."""
    found = cohorts.cohort_of(request.user, cohort_id)
    if invitations.revoke(found, invitation_id, viewer=teacher(request)):
        messages.success(request, "The link is withdrawn. Whoever joined with it stays.")
    return redirect("cohort", found.pk)


@never_cache
def change_member(
    request: HttpRequest, cohort_id: uuid.UUID, person_id: uuid.UUID, action: str
) -> HttpResponse:
    """Ask, and then take somebody out, give a password, close or open an account."""
    if action not in _ASKED:
        raise Http404
    found = cohorts.cohort_of(request.user, cohort_id)
    person = cohorts.member_of(found, person_id)
    if request.method == "POST":
        return _change_member(request, found, person, action)
    asked, who = _ASKED[action], person.shown_name
    context = {
        "title": asked.title.format(who=who),
        "text": asked.text.format(who=who),
        "button": asked.button,
        "back": found,
        "person": person,
    }
    return render(request, CONFIRM, context)


def _change_member(request: HttpRequest, found: Cohort, person: User, action: str) -> HttpResponse:
    viewer = teacher(request)
    if action == "password":
        password = cohorts.reset_password(found, person, viewer=viewer)
        return _cohort(request, found, password=password, person=person)
    if action == "remove":
        cohorts.remove(found, person, viewer=viewer)
        messages.success(request, f"{person.shown_name} is no longer in {found.name}.")
    else:
        cohorts.set_active(found, person, viewer=viewer, active=action == "reopen")
        state = "open again" if action == "reopen" else "closed"
        messages.success(request, f"The account of {person.shown_name} is {state}.")
    return redirect("cohort", found.pk)
