"""How far a judging model agrees with people, by criterion, and what follows from it.

A proposal decides nothing. Until a model has shown that it agrees, nobody sees what it proposes
before deciding, or the figure would measure the proposal's pull and not its worth.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from range.assessment.models import Decision, ReviewItem
from range.lib.raters import weighted_kappa

# Fewer pairs say nothing; older ones say how a model did on other people's work.
ENOUGH = 20
RECENT = 60
# Source: what published graders that are used with people's trust reach.
AGREES_FROM = 0.80
# Of a model that is shown, one item in so many stays unseen, so that its figure stays true.
UNSEEN_ONE_IN = 5
READ_AT_MOST = 5000


class Standing(StrEnum):
    """What a model's proposals on one criterion are used for."""

    MEASURED = "measured"
    SHOWN = "shown"
    OFF = "off"


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What a model is measured on: one criterion in one organisation, under one judge."""

    organisation: uuid.UUID
    scenario: str
    check_id: str
    criterion: str
    judge: str


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How a model did on one matter.

    Args:
        pairs: Recent decisions that were taken before the proposal was seen.
        qwk: None while there are too few pairs, or all are of one level.
    """

    matter: Matter
    pairs: int = 0
    qwk: float | None = None

    @property
    def standing(self) -> Standing:
        """Return what follows from the figure."""
        if self.qwk is None:
            return Standing.MEASURED
        return Standing.SHOWN if self.qwk >= AGREES_FROM else Standing.OFF


def matter_of(item: ReviewItem, judge: str) -> Matter:
    """Return what a judge's proposal on an item is measured on."""
    exercise = item.attempt.exercise
    return Matter(
        organisation=exercise.organisation_id,
        scenario=exercise.version.scenario.slug,
        check_id=item.check_id,
        criterion=item.criterion,
        judge=judge,
    )


def judge_of(item: ReviewItem) -> str:
    """Return which judge proposed something on an item, empty where none did."""
    return str((item.proposal or {}).get("judge", ""))


def agreements(organisations: Collection[uuid.UUID]) -> dict[Matter, Agreement]:
    """Return how every judge did in these organisations, in one query."""
    pairs: dict[Matter, list[tuple[int, int]]] = {}
    for matter, proposed, level in _pairs(organisations):
        found = pairs.setdefault(matter, [])
        if len(found) < RECENT:
            found.append((proposed, level))
    return {matter: _agreement(matter, found) for matter, found in pairs.items()}


def agreement_on(
    item: ReviewItem, judge: str, known: Mapping[Matter, Agreement] | None = None
) -> Agreement:
    """Return how a judge did on what an item is about."""
    matter = matter_of(item, judge)
    if known is None:
        known = agreements([matter.organisation])
    return known.get(matter, Agreement(matter=matter))


def is_shown(item: ReviewItem, known: Mapping[Matter, Agreement] | None = None) -> bool:
    """Tell whether an instructor sees the proposal before deciding."""
    if (item.proposal or {}).get("level") is None:
        return False
    agreement = agreement_on(item, judge_of(item), known)
    return agreement.standing is Standing.SHOWN and item.pk.int % UNSEEN_ONE_IN != 0


def _agreement(matter: Matter, pairs: Sequence[tuple[int, int]]) -> Agreement:
    enough = len(pairs) >= ENOUGH
    qwk = weighted_kappa([a for a, _ in pairs], [b for _, b in pairs]) if enough else None
    return Agreement(matter=matter, pairs=len(pairs), qwk=qwk)


def _pairs(organisations: Collection[uuid.UUID]) -> Iterable[tuple[Matter, int, int]]:
    """Yield what was proposed and what a person decided unseen, newest first."""
    exercise = "item__attempt__exercise__"
    rows = (
        Decision.objects.filter(unseen=True, proposed__isnull=False)
        .filter(**{f"{exercise}organisation__in": organisations})
        .order_by("-decided_at", "-pk")
    )
    for row in rows.values_list(
        f"{exercise}organisation",
        f"{exercise}version__scenario__slug",
        "item__check_id",
        "item__criterion",
        "judge",
        "proposed",
        "level",
    )[:READ_AT_MOST]:
        organisation, scenario, check_id, criterion, judge, proposed, level = row
        matter = Matter(
            organisation=organisation,
            scenario=scenario,
            check_id=check_id,
            criterion=criterion,
            judge=judge,
        )
        yield matter, proposed or 0, level
