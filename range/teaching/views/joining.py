"""Joining a cohort by its link: with one click, by signing in, or with a new account."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from range.accounts import invitations, throttle
from range.accounts.models import Invitation, User
from range.teaching.forms import JoinForm

PAGE = "teaching/join.html"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a link leads to; a press joins, and nothing else does."""
    invitation = invitations.opened_by(token, address=_address(request))
    if isinstance(request.user, User):
        return _known(request, invitation)
    invitations.refuse_unusable(invitation)
    form = JoinForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        person = _new(request, invitation, form)
        if person is not None:
            login(request, person, backend=BACKEND)
            return _welcome(request, invitation)
    context = {"invitation": invitation, "form": form}
    return render(request, PAGE, context, status=422 if form.errors else 200)


def _known(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    person = cast(User, request.user)
    is_member = invitations.is_member(invitation, person)
    if not is_member:
        invitations.refuse_unusable(invitation)
    if request.method == "POST":
        invitations.join(invitation, person)
        return _welcome(request, invitation)
    context = {
        "invitation": invitation,
        "is_member": is_member,
        "teaches": invitations.teaches_there(invitation, person),
        "leaves": invitations.left_by_joining(invitation, person),
    }
    return render(request, PAGE, context)


def _new(request: HttpRequest, invitation: Invitation, form: JoinForm) -> User | None:
    given = form.cleaned_data
    try:
        return invitations.join_anew(
            invitation,
            username=given["username"],
            name=given["display_name"],
            password=given["password"],
        )
    except invitations.UsernameTaken as refusal:
        # Names are not to be tried out one after the other.
        throttle.note_guess(address=_address(request))
        form.add_error("username", refusal.message)
        return None


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    messages.success(request, f"You are in {invitation.cohort.name}.")
    return redirect("catalogue")


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
