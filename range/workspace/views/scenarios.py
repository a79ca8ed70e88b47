"""The catalogue, a scenario's page, and the launch."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.exercises.windows import ExerciseRefused
from range.sandboxes import services as sandboxes
from range.sandboxes.models import Sandbox
from range.sandboxes.queue import place_of
from range.workspace.presenters import catalogue_page as page
from range.workspace.presenters.catalogue import shelf_of
from range.workspace.presenters.scenario import exercise_for, page_for, scenario_page

CATALOGUE = "workspace/catalogue.html"
SCENARIO = "workspace/scenario.html"
IN_LINE = "workspace/in_line.html"


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show what is offered to the viewer, filtered as the address says."""
    is_part = request.headers.get("HX-Target") == "catalogue-results"
    context = page.catalogue_page(cast(User, request.user), request.GET)
    if not is_part:
        return render(request, CATALOGUE, context)
    # The results, and beside them the choices with what each of them would leave now.
    parts = [
        render_to_string(f"{CATALOGUE}#{name}", context | {"is_part": True}, request)
        for name in ("catalogue-results", "filter-choices")
    ]
    answer = HttpResponse("".join(parts))
    answer["HX-Push-Url"] = f"{reverse('catalogue')}{page.address(context)}"
    return answer


@require_safe
def scenario_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one card, for the catalogue to replace while images are built."""
    cards = shelf_of(cast(User, request.user), slug=slug).cards
    if not cards:
        raise Http404
    return render(request, f"{CATALOGUE}#scenario-card", {"card": cards[0]})


@require_safe
def scenario(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one scenario: story, picture, skills, rules, and where to launch it."""
    return _scenario(request, slug, SCENARIO)


@require_safe
def launch_panel(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the launch box alone, for the page to replace while images are built."""
    return _scenario(request, slug, f"{SCENARIO}#launch-panel")


@require_POST
def launch(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a sandbox and open the workspace, which follows its start.

    Whoever stands in line behind others is told so at once: when a whole class presses, drawing
    all their workspaces takes longer than anybody should wait for the first word.
    """
    person = cast(User, request.user)
    exercise = exercise_for(person, slug, request.POST.get("exercise", ""))
    try:
        sandbox = sandboxes.launch(person, exercise)
    except (sandboxes.LaunchRefused, ExerciseRefused) as refusal:
        context = {"scenario": scenario_page(person, exercise), "refusal": refusal}
        return render(request, SCENARIO, context, status=refusal.status)
    if sandbox.state == Sandbox.State.REQUESTED:
        place = place_of(sandbox)
        if not place.is_at_once:
            told = {"exercise": exercise, "attempt": sandbox.attempt_id, "place": place}
            return render(request, IN_LINE, told, status=202)
    return redirect("workspace", sandbox.attempt_id)


def _scenario(request: HttpRequest, slug: str, template: str) -> HttpResponse:
    shown = page_for(cast(User, request.user), slug, request.GET.get("exercise", ""))
    return render(request, template, {"scenario": shown})
