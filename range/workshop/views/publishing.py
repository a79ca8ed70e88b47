"""Publishing a draft, and taking scenarios out of the offer and back into it."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from range.authoring import drafts
from range.authoring.comparing import Difference, compare
from range.authoring.draft_opening import files_of_version
from range.authoring.draft_publishing import check, publish, retire, scenario_of
from range.authoring.models import Draft
from range.authoring.verifications import newest_of
from range.catalog.models import Scenario, ScenarioVersion
from range.catalog.problems import ScenarioInvalid
from range.lib.errors import RangeError
from range.workshop.presenters import kept_open
from range.workshop.views.desk import author
from range.workshop.views.drafts import number

PUBLISH = "workshop/publish.html"
RETIRE = "workshop/retire.html"


@never_cache
def publish_draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Show what publication would change, and publish."""
    found = drafts.draft_of(author(request), draft_id)
    if request.method != "POST":
        return _asked(request, found)
    revision = number(request.POST.get("revision"))
    try:
        done = publish(draft_id, author=author(request), revision=revision)
    except ScenarioInvalid:
        return _asked(request, found, status=422)
    except RangeError as refusal:
        return _asked(request, found, status=refusal.status, refusal=refusal.message)
    version = done.version
    said = "is published" if done.created else "was published before, with this very content"
    messages.success(request, f"{version.scenario.title} {version.version} {said}.")
    return redirect("scenario-versions", version.scenario.slug)


@never_cache
def retire_scenario(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask, and then take a scenario out of the offer; back into it without asking."""
    scenario = scenario_of(author(request), slug)
    if request.method != "POST":
        return render(request, RETIRE, {"scenario": scenario} | kept_open(scenario, request.user))
    restored = "restore" in request.POST
    retire(scenario, author=author(request), restored=restored)
    said = "is offered again" if restored else "is retired; attempts under way go on"
    messages.success(request, f"{scenario.title} {said}.")
    return redirect("scenario-versions", slug)


def _asked(
    request: HttpRequest, draft: Draft, *, status: int = 200, refusal: str = ""
) -> HttpResponse:
    draft.refresh_from_db()
    checked = check(draft)
    newest = _newest(draft.slug)
    context = {
        "draft": draft,
        "checked": checked,
        "newest": newest,
        "scenario": Scenario.objects.filter(slug=draft.slug).first(),
        "differences": _differences(request, draft, newest),
        "refusal": refusal,
        "verification": newest_of(draft_id=draft.pk),
    }
    return render(request, PUBLISH, context, status=status)


def _newest(slug: str) -> ScenarioVersion | None:
    versions = ScenarioVersion.objects.filter(scenario__slug=slug).select_related("scenario")
    return versions.order_by("-published_at").first()


def _differences(
    request: HttpRequest, draft: Draft, newest: ScenarioVersion | None
) -> list[Difference] | None:
    """Return what differs from the newest version; None where that cannot be told."""
    if newest is None:
        return None
    try:
        before = files_of_version(newest, viewer=author(request))
    except RangeError:
        return None
    return compare(before, drafts.files_of(draft))
