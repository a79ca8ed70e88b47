"""Observable skills at stable addresses: as pages for people and as JSON-LD for programs."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import condition, require_safe

from range.accounts.access import can_review_alignments
from range.accounts.models import User
from range.competencies.models import ObservableSkill
from range.standards import jsonld, skills
from range.standards.views.frameworks import searched

JSON_TYPES = (jsonld.MEDIA_TYPE, "application/json")


def wants_json(request: HttpRequest) -> bool:
    """Tell whether a program asks: it prefers JSON-LD or JSON to a page."""
    chosen = request.get_preferred_type(["text/html", *JSON_TYPES])
    return chosen in JSON_TYPES


@login_not_required
def observable_skills(request: HttpRequest) -> HttpResponse:
    """Show our skills as a page or as JSON-LD, as the asker prefers."""
    return _negotiated(request, _list_page, all_as_jsonld)


@login_not_required
def observable_skill(request: HttpRequest, key: str) -> HttpResponse:
    """Show one skill as a page or as JSON-LD, as the asker prefers."""
    return _negotiated(request, _skill_page, one_as_jsonld, key=key)


def _negotiated(
    request: HttpRequest,
    page: Callable[..., HttpResponse],
    document: Callable[..., HttpResponse],
    **names: str,
) -> HttpResponse:
    as_json = wants_json(request)
    response = document(request, **names) if as_json else page(request, **names)
    patch_vary_headers(response, ["Accept"])
    return response


def _signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lead whoever is not signed in, or has yet to choose a password, to where they can."""

    @wraps(view)
    def guarded(request: HttpRequest, **names: str) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if getattr(request.user, "must_choose_password", False):
            return redirect_to_login(request.get_full_path(), reverse("choose-password"))
        return view(request, **names)

    return guarded


def _public_if_chosen(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let everybody in where the operator publishes skills, with the headers others need."""
    private = _signed_in(view)

    @wraps(view)
    def chosen(request: HttpRequest, **names: str) -> HttpResponse:
        if not settings.RANGE_PUBLISH_SKILLS:
            return private(request, **names)
        response = _remembered(request, view(request, **names))
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    return chosen


def _remembered(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Give a document its tag, and answer that nothing changed to whoever holds it already."""
    tag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    return condition(etag_func=lambda *_: tag)(lambda _: response)(request)


@_signed_in
@require_safe
def _list_page(request: HttpRequest) -> HttpResponse:
    search = searched(request)
    context = {
        "lines": skills.skill_lines(cast(User, request.user), search=search),
        "search": search,
        "may_review": can_review_alignments(request.user),
    }
    return render(request, "standards/skills.html", context)


@_signed_in
@require_safe
def _skill_page(request: HttpRequest, key: str) -> HttpResponse:
    skill = skills.skill_of(key)
    page = skills.skill_page(skill, viewer=cast(User, request.user))
    return render(request, "standards/skill.html", {"page": page, "uri": jsonld.uri_of(skill)})


@login_not_required
@_public_if_chosen
@require_safe
def all_as_jsonld(request: HttpRequest) -> HttpResponse:
    """Hand out all skills as one JSON-LD document."""
    return _document(jsonld.scheme_document(list(ObservableSkill.objects.order_by("key"))))


@login_not_required
@_public_if_chosen
@require_safe
def one_as_jsonld(request: HttpRequest, key: str) -> HttpResponse:
    """Hand out one skill as JSON-LD."""
    return _document(jsonld.skill_document(skills.skill_of(key)))


def _document(told: Mapping[str, Any]) -> HttpResponse:
    data = json.dumps(told, ensure_ascii=False, indent=1)
    return HttpResponse(data, content_type=jsonld.MEDIA_TYPE)
