"""Published scenarios: their versions, what changed between two, opened and given as archives."""

import io
import uuid

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts.access import can_change_scenario, can_read_scenario
from range.accounts.models import User
from range.authoring.archives import export_scenario
from range.authoring.comparing import compare
from range.authoring.draft_opening import files_of_version, from_version
from range.catalog.models import Scenario, ScenarioVersion
from range.catalog.source import written_out
from range.timeline.services import events_of
from range.workshop.presenters import desk_for, rows_of
from range.workshop.views.desk import author, organisation_for

VERSIONS = "workshop/versions.html"
CHANGES = "workshop/changes.html"


@never_cache
@require_safe
def scenario_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a scenario's versions, and what was done to it."""
    viewer = author(request)
    scenario = _readable(viewer, slug)
    context = {
        "scenario": scenario,
        "rows": rows_of(scenario),
        "schools": desk_for(viewer).schools,
        "may_change": can_change_scenario(viewer, scenario.owner_id),
        "events": list(events_of(scenario.pk))[::-1],
    }
    return render(request, VERSIONS, context)


@never_cache
@require_safe
def compare_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """Compare two versions of a scenario."""
    viewer = author(request)
    scenario = _readable(viewer, slug)
    before, after = (_version(scenario, request.GET.get(each)) for each in ("from", "to"))
    context = {
        "scenario": scenario,
        "before": f"version {before.version}",
        "after": f"version {after.version}",
        "differences": compare(
            files_of_version(before, viewer=viewer), files_of_version(after, viewer=viewer)
        ),
    }
    return render(request, CHANGES, context)


@require_POST
def open_version(request: HttpRequest, version_id: uuid.UUID) -> HttpResponse:
    """Open a draft of a version."""
    version = _readable_version(author(request), version_id)
    organisation = organisation_for(request)
    made = from_version(version, author=author(request), organisation=organisation)
    return redirect("draft", made.pk)


@never_cache
@require_safe
def export_version(request: HttpRequest, version_id: uuid.UUID) -> FileResponse:
    """Give a version as an archive."""
    viewer = author(request)
    version = _readable_version(viewer, version_id)
    slug, packed = version.scenario.slug, io.BytesIO()
    with written_out(files_of_version(version, viewer=viewer), name=slug) as folder:
        export_scenario(folder, packed)
    packed.seek(0)
    return FileResponse(packed, as_attachment=True, filename=f"{slug}-{version.digest[:12]}.zip")


def _readable(viewer: User, slug: str) -> Scenario:
    scenario = get_object_or_404(Scenario.objects.select_related("owner"), slug=slug)
    if not can_read_scenario(viewer, scenario.owner_id):
        raise Http404
    return scenario


def _readable_version(viewer: User, version_id: uuid.UUID) -> ScenarioVersion:
    version = get_object_or_404(ScenarioVersion.objects.select_related("scenario"), pk=version_id)
    if not can_read_scenario(viewer, version.scenario.owner_id):
        raise Http404
    return version


def _version(scenario: Scenario, wanted: str | None) -> ScenarioVersion:
    try:
        return scenario.versions.select_related("scenario").get(pk=uuid.UUID(wanted or ""))
    except (ValueError, ScenarioVersion.DoesNotExist) as error:
        raise Http404 from error
