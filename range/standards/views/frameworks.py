"""Editions of frameworks: the list, one, what differs between two, one id, and the coverage."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from range.accounts.access import can_review_alignments
from range.accounts.models import User
from range.competencies.changes import changes_between
from range.lib.storable import storable
from range.standards import coverage, editions, entries


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """List the editions there are, and say how to import one."""
    context = {
        "families": editions.families(),
        "may_review": can_review_alignments(request.user),
    }
    return render(request, "standards/frameworks.html", context)


@require_safe
def framework(request: HttpRequest, name: str, release: str) -> HttpResponse:
    """Show what an edition holds, or what a search finds in it."""
    found = editions.edition(name, release)
    page = editions.browse(found, search=searched(request))
    return render(request, "standards/framework.html", {"page": page, "framework": found})


@require_safe
def changes(request: HttpRequest, name: str, release: str) -> HttpResponse:
    """Compare an edition with another one, by itself with the one imported before it."""
    after = editions.edition(name, release)
    since = request.GET.get("since", "")
    before = editions.edition(name, since) if since else editions.release_before(after)
    context = {
        "framework": after,
        "others": [each for each in editions.editions_of(name) if each != after],
        "changes": changes_between(before, after) if before else None,
        "may_review": can_review_alignments(request.user),
    }
    return render(request, "standards/changes.html", context)


@require_safe
def entry(request: HttpRequest, name: str, release: str, code: str) -> HttpResponse:
    """Show one id, a work role or a statement, also one that this edition withdrew."""
    found, viewer = editions.edition(name, release), cast(User, request.user)
    if "\0" in code:
        raise Http404
    if role := found.work_roles.filter(code=code).first():
        context = {"page": entries.role_page(found, role, viewer=viewer), "framework": found}
        return render(request, "standards/role.html", context)
    page = entries.statement_page(found, code, viewer=viewer)
    context = {"page": page, "framework": found}
    gone = 200 if page.statement else 410
    return render(request, "standards/statement.html", context, status=gone)


@require_safe
def coverage_page(request: HttpRequest) -> HttpResponse:
    """Show which required skills and statements of each role the library observes."""
    role = request.GET.get("role", "")[:24]
    found = coverage.coverage(cast(User, request.user), role_code=role)
    context = {
        "coverage": found,
        "asked_role": role,
        "may_review": can_review_alignments(request.user),
    }
    return render(request, "standards/coverage.html", context)


def searched(request: HttpRequest) -> str:
    """Return the words to search for."""
    return storable(request.GET.get("q", ""))[:100].strip()
