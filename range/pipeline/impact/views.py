"""Pages of adverse-impact reports, and of what a person says of themselves for them."""

import uuid
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from range.accounts.models import Organisation, User
from range.pipeline.exports.tables import as_csv
from range.pipeline.impact import groups, report, switch
from range.pipeline.impact.table import impact_table
from range.pipeline.impact.withholding import SMALLEST
from range.pipeline.models import ImpactReport


@require_safe
def impact(request: HttpRequest) -> HttpResponse:
    """Show an agency's administrator the newest report, or how to come to one."""
    viewer = cast(User, request.user)
    agency, agencies = switch.agency_run_by(viewer, request.GET.get("agency", ""))
    newest = agency.impact_reports.order_by("-made_at").first() if switch.is_on(agency) else None
    shown = report.opened(viewer, newest.pk) if newest else None
    return render(request, "pipeline/impact.html", _context(agency, shown, agencies=agencies))


@require_safe
def impact_report(request: HttpRequest, report_id: uuid.UUID) -> HttpResponse:
    """Show one report as it was told."""
    shown = report.opened(cast(User, request.user), report_id)
    return render(request, "pipeline/impact.html", _context(shown.agency, shown))


@require_safe
def impact_csv(request: HttpRequest, report_id: uuid.UUID) -> HttpResponse:
    """Hand out one report as CSV."""
    shown = report.opened(cast(User, request.user), report_id, taken=True)
    return HttpResponse(
        as_csv(impact_table(shown)),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="impact-{shown.made_at:%Y-%m-%d}.csv"',
            "Cache-Control": "private, no-store",
        },
    )


@require_POST
def make_impact(request: HttpRequest) -> HttpResponse:
    """Make a report of this moment."""
    agency, _ = switch.agency_run_by(cast(User, request.user), request.POST.get("agency", ""))
    if report.make(cast(User, request.user), agency) is None:
        messages.warning(
            request,
            "No two groups can be compared yet without singling somebody out: too few people said "
            f"which group they belong to. The next try is in {report.REST.days} days.",
        )
    else:
        messages.success(request, "Made. It stays as it is; a later one stands beside it.")
    return redirect(f"{reverse('impact')}?agency={agency.slug}")


@require_POST
def switch_impact(request: HttpRequest) -> HttpResponse:
    """Switch an agency's reports on or off, with a reason."""
    sent, viewer = request.POST, cast(User, request.user)
    agency, _ = switch.agency_run_by(viewer, sent.get("agency", ""))
    on = sent.get("action") == "on"
    switch.switch(viewer, agency, on=on, reason=sent.get("reason", ""))
    messages.success(request, f"Adverse-impact reports are {'on' if on else 'off'}.")
    return redirect(f"{reverse('impact')}?agency={agency.slug}")


@require_http_methods(["GET", "HEAD", "POST"])
def my_groups(request: HttpRequest) -> HttpResponse:
    """Let a person say, change and erase which groups they belong to."""
    person = cast(User, request.user)
    if request.method == "POST":
        erases = request.POST.get("action") == "erase"
        groups.declare(person, {} if erases else request.POST.dict())
        messages.success(request, "Erased." if erases else "Kept. You may change or erase it.")
        return redirect("my-groups")
    questions = groups.questions_for(person)
    context = {
        "questions": questions,
        "answered": any(each.answer for each in questions),
        "agencies": switch.agencies_with_reports(),
        "smallest": SMALLEST,
    }
    return render(request, "pipeline/my_groups.html", context)


def _context(
    agency: Organisation,
    shown: ImpactReport | None,
    *,
    agencies: list[Organisation] | None = None,
) -> dict[str, object]:
    sections = report.sections_of(shown) if shown else []
    told = {each.key for each in sections}
    return {
        "agency": agency,
        "agencies": agencies or [agency],
        "on": switch.is_on(agency),
        "report": shown,
        "reports": agency.impact_reports.order_by("-made_at"),
        "sections": sections,
        "hidden": [each.name for key, each in groups.DIMENSIONS.items() if key not in told],
        "due": report.rests_until(agency),
        "history": switch.history_of(agency),
        "smallest": SMALLEST,
        "rest_days": report.REST.days,
    }
