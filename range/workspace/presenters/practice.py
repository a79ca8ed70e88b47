"""What to practise next: scenarios that show the skills an attempt did not prove."""

from collections.abc import Sequence
from dataclasses import dataclass

from range.exercises.models import Attempt
from range.workspace.presenters.catalogue import NEW, PASSED, Card, shelf_of
from range.workspace.presenters.proofs import Proof

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One scenario to go to, with the reason."""

    slug: str
    title: str
    why: str


def suggestions(attempt: Attempt, proofs: Sequence[Proof]) -> list[Suggestion]:
    """Return up to three scenarios, those with most unproven skills first."""
    unproven = {key for proof in proofs if proof.state != "met" for key in proof.skills}
    others = [
        card
        for card in shelf_of(attempt.trainee).cards
        if card.slug != attempt.version.scenario.slug and card.state != PASSED
    ]
    ranked = sorted(
        others,
        key=lambda card: (-len(unproven.intersection(card.outline.skills)), card.level.step),
    )
    return [_suggestion(card, unproven) for card in ranked[:SHOWN]]


def _suggestion(card: Card, unproven: set[str]) -> Suggestion:
    skills = zip(card.outline.skills, card.skills, strict=True)
    common = [name for key, name in skills if key in unproven]
    length = f"{card.outline.minutes} min, difficulty {card.level.step} of 5"
    other = "New to you." if card.state == NEW else "Not passed yet."
    why = f"Shows {common[0].lower()}, which this attempt left open." if common else other
    return Suggestion(slug=card.slug, title=card.title, why=f"{why} {length}.")
