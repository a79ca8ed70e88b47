"""Gathers what the instructor's pages about hints show, and reads their filters."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from range.accounts.access import STAFF, Viewer, has_role, schools_of_staff
from range.exercises.models import Exercise
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.workspace.presenters.attempt import url_or_nothing
from tutor import presenting
from tutor.class_hints import Filters, counts_of
from tutor.class_view import titles_of, verdict_of
from tutor.hindsight import seen_at
from tutor.models import Hint, TutorSettings
from tutor.rungs import RUNGS

SHOWS = ("stopped", "unhelpful", "waiting")
EXERCISES_AT_MOST = 100


class NotForRole(RangeError):
    """Somebody who teaches nobody asks for the teaching pages."""

    def __init__(self) -> None:
        super().__init__(
            "The tutor's pages are for instructors. Your account has another role.",
            reason="not-an-instructor",
            status=403,
        )


@dataclass(frozen=True, kw_only=True)
class ExerciseLine:
    """The tutor in one exercise."""

    exercise: Exercise
    mode: str
    counts: Mapping[str, Any]


def exercises_for(viewer: Viewer) -> list[ExerciseLine]:
    """Return exercises of the viewer's organisations, those to look at first, in few queries.

    Raises:
        NotForRole: The viewer teaches nobody.
    """
    if not has_role(viewer, *STAFF):
        raise NotForRole
    exercises = list(
        Exercise.objects.filter(organisation__in=schools_of_staff(viewer))
        .select_related("version__scenario", "cohort", "organisation", "tutor_settings")
        .defer("version__spec", "version__assets", "version__brief")
        .order_by("-opens_at", "pk")[:EXERCISES_AT_MOST]
    )
    counts = counts_of(exercises)
    lines = [
        ExerciseLine(exercise=each, mode=_mode(each), counts=counts.get(each.pk, {}))
        for each in exercises
    ]
    # The order stays by opening where nothing awaits a look.
    return sorted(lines, key=lambda line: -line.counts.get("waiting", 0))


def _mode(exercise: Exercise) -> str:
    chosen = getattr(exercise, "tutor_settings", None)
    is_assessed = exercise.policy == Exercise.Policy.ASSESSED
    if chosen is None or (is_assessed and chosen.mode == TutorSettings.Mode.ON):
        mode = TutorSettings.Mode.OFF if is_assessed else TutorSettings.Mode.ON
        return str(mode.label)
    return str(chosen.get_mode_display())


def filters_of(given: Mapping[str, str]) -> Filters:
    """Read filters from an address; what makes no sense filters nothing."""
    rung, show = given.get("rung", ""), given.get("show", "")
    return Filters(
        objective=storable(given.get("objective", "")).strip()[:64],
        rung=int(rung) if rung in {str(each.rung) for each in RUNGS} else None,
        trainee=storable(given.get("trainee", "")).strip()[:150],
        show=show if show in SHOWS else "",
        like=_uuid(given.get("like", "")),
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class PassageView:
    """One passage that stood behind a hint, and how well it fitted the question."""

    citation: presenting.CitationView
    score: float | None


def hint_page(exercise: Exercise, hint: Hint) -> dict[str, Any]:
    """Return everything the page of one hint shows."""
    return {
        "exercise": exercise,
        "hint": hint,
        "shown": presenting.hint_view(hint),
        "objective": titles_of(exercise).get(hint.objective, hint.objective),
        "verdict": verdict_of(hint),
        "seen": seen_at(hint),
        "passages": _passages(hint),
        "notes": hint.notes.select_related("by").order_by("-at"),
        "replay_url": url_or_nothing("replay", hint.attempt_id),
        "knowledge_url": url_or_nothing("knowledge"),
    }


def _passages(hint: Hint) -> Sequence[PassageView]:
    scores = {each["chunk"]: each["score"] for each in hint.passages}
    found = [
        (presenting.citation_view(hint, int(each["number"])), scores.get(each["chunk"]))
        for each in hint.citations
    ]
    return [PassageView(citation=view, score=score) for view, score in found if view]
