"""What a trainee may play next, with the reason in words, out of what the catalogue offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from range.accounts.models import User
from range.competencies.frameworks import Role, role_by_code
from range.pipeline.next_steps import option_of, recommended_for
from range.pipeline.recommend import Reason, Recommendation
from range.workspace.presenters.catalogue import PASSED, TRIED, UNDER_WAY, Card, Ready

NAMED_SKILLS = 2
# What a chance of success is called, from the likeliest down.
_FITS = (
    (0.8, "Should come easily"),
    (0.5, "Fits where you stand"),
    (0.3, "A stretch"),
    (0.0, "A long stretch"),
)


@dataclass(frozen=True, kw_only=True)
class Next:
    """One scenario to play next."""

    card: Card
    why: str
    fits: str


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """What to play next.

    Args:
        towards: Title of the work role it leads to; empty without one.
    """

    steps: tuple[Next, ...]
    towards: str = ""


def recommended(person: User, cards: Sequence[Card], *, role_code: str = "") -> Recommended:
    """Return up to three scenarios to play next, towards a role if one is chosen."""
    role = role_by_code(role_code) if role_code else None
    # A role of which this range does not know what it asks still names its scenarios.
    in_reach = [card for card in cards if role or role_code in ("", *card.roles)]
    by_slug = {card.slug: card for card in in_reach if card.image_state == Ready.READY}
    options = [
        option_of(
            slug,
            card.outline,
            card.difficulty,
            played=card.state == TRIED,
            is_done=card.state in (PASSED, UNDER_WAY),
        )
        for slug, card in by_slug.items()
    ]
    found = recommended_for(person, options, role=role)
    return Recommended(
        steps=tuple(_next(by_slug[each.slug], each, role) for each in found),
        towards=role.title if role else "",
    )


def _next(card: Card, found: Recommendation, role: Role | None) -> Next:
    names = dict(zip(card.outline.skills, card.skills, strict=True))
    return Next(
        card=card,
        why=_why(found, names, role),
        fits=next(words for least, words in _FITS if found.chance >= least),
    )


def _why(found: Recommendation, names: Mapping[str, str], role: Role | None) -> str:
    is_unseen = bool(found.unseen) and found.skills[0] in found.unseen
    skills = _listed([names[key] for key in (found.unseen if is_unseen else found.skills)])
    if found.reason is Reason.GAP and role:
        return f"Practises {skills}, where your evidence lies below what {role.title} asks."
    if role and is_unseen:
        return f"Shows {skills}: {role.title} asks for it, and nothing of yours shows it yet."
    if role:
        return f"Would settle {skills}, where your evidence does not decide yet for {role.title}."
    if is_unseen:
        return f"Shows {skills}, which nothing of yours shows yet."
    return f"Tells most about {skills}, of which your evidence says little so far."


def _listed(names: Sequence[str]) -> str:
    """Write the first few names as in a sentence, and how many more there are."""
    first = [name[:1].lower() + name[1:] for name in names[:NAMED_SKILLS]]
    more = len(names) - len(first)
    parts = [*first, f"{more} more skill{'s' if more > 1 else ''}"] if more else first
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
