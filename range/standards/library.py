"""The scenarios that a viewer may know of, by the skills they observe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from range.accounts.access import READERS, has_role, schools_of_staff
from range.accounts.models import User
from range.catalog.models import Scenario, ScenarioVersion
from range.catalog.outline import outlines_of
from range.exercises.services import offered_to


@dataclass(frozen=True, kw_only=True)
class LibraryScenario:
    """A scenario in its newest version.

    Args:
        skills: Keys of the observable skills it observes.
        work_roles: NICE codes its author names.
        is_offered: Whether the viewer can open its page.
    """

    slug: str
    title: str
    skills: Sequence[str]
    work_roles: Sequence[str]
    is_offered: bool


def library(viewer: User) -> list[LibraryScenario]:
    """Return, by title, the scenarios that a viewer may know of.

    Who teaches or reads scores knows the range's own and those of the schools they teach at;
    everybody else what is offered to them.
    """
    offered = dict(offered_to(viewer).values_list("version", "version__scenario__slug"))
    if has_role(viewer, *READERS):
        known = Scenario.objects.open_to(schools_of_staff(viewer)).filter(retired_at=None)
        newest = ScenarioVersion.objects.latest_per_scenario().filter(scenario__in=known)
    else:
        newest = ScenarioVersion.objects.filter(pk__in=offered)
    rows = list(newest.values_list("pk", "scenario__slug", "scenario__title"))
    outlines, slugs = outlines_of(pk for pk, _, _ in rows), set(offered.values())
    found = [
        LibraryScenario(
            slug=slug,
            title=title,
            skills=outlines[pk].skills,
            work_roles=outlines[pk].work_roles,
            is_offered=slug in slugs,
        )
        for pk, slug, title in rows
        if pk in outlines
    ]
    return sorted(found, key=lambda each: each.title.casefold())


def by_skill(scenarios: Iterable[LibraryScenario]) -> Mapping[str, list[LibraryScenario]]:
    """Return the scenarios that observe each skill, by its key."""
    found: dict[str, list[LibraryScenario]] = {}
    for scenario in scenarios:
        for key in scenario.skills:
            found.setdefault(key, []).append(scenario)
    return found


def showing(
    skills: Iterable[str], shown_by: Mapping[str, Sequence[LibraryScenario]]
) -> list[LibraryScenario]:
    """Return the scenarios that observe any of these skills, each once."""
    found = {each.slug: each for key in skills for each in shown_by.get(key, ())}
    return sorted(found.values(), key=lambda each: each.title.casefold())
