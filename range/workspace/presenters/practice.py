"""What to practise next: scenarios that show the skills an attempt did not prove."""

from collections.abc import Sequence
from dataclasses import dataclass

from range.exercises.models import Attempt
from range.workspace import wording
from range.workspace.presenters.catalogue import Card, cards_for, skill_names
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
    open_keys = [key for proof in proofs if proof.state != "met" for key in proof.skills]
    names = skill_names(open_keys)
    unproven = {names.get(key) or wording.word(key) for key in open_keys}
    others = [
        card
        for card in cards_for(attempt.trainee)
        if card.slug != attempt.version.scenario.slug and not card.passed
    ]
    ranked = sorted(others, key=lambda card: (-len(unproven & set(card.skills)), card.difficulty))
    return [_suggestion(card, unproven) for card in ranked[:SHOWN]]


def _suggestion(card: Card, unproven: set[str]) -> Suggestion:
    common = [skill for skill in card.skills if skill in unproven]
    length = f"{card.minutes} min, difficulty {card.difficulty} of 5"
    why = f"Shows {common[0].lower()}, which this attempt left open." if common else "New to you."
    return Suggestion(slug=card.slug, title=card.title, why=f"{why} {length}.")
