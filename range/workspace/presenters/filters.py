"""The catalogue's filters: what the address asks for, how many each choice would leave."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from range.workspace import wording
from range.workspace.presenters.catalogue import NEW, PASSED, TRIED, UNDER_WAY, Card

MINUTES = (30, 60, 90, 120)
STATES = {
    NEW: "New to me",
    UNDER_WAY: "Under way",
    PASSED: "Done, passed",
    TRIED: "Done, not passed",
}
WORDS = "q"
WORDS_AT_MOST = 100


@dataclass(frozen=True, kw_only=True)
class Facet:
    """One thing to filter by.

    Args:
        values: Every value under which a card is found, with what people call it.
        fixed: All values in order, where they do not follow from the cards.
    """

    name: str
    label: str
    values: Callable[[Card], Mapping[str, str]]
    fixed: Mapping[str, str] | None = None


def _lengths(card: Card) -> dict[str, str]:
    return {key: word for key, word in LENGTHS.items() if card.outline.minutes <= int(key)}


LENGTHS = {str(most): f"Up to {most} min" for most in MINUTES}
FACETS = (
    Facet(name="role", label="Work role", values=lambda card: card.roles),
    Facet(
        name="skill",
        label="Skill",
        values=lambda card: dict(zip(card.outline.skills, card.skills, strict=True)),
    ),
    Facet(
        name="sector",
        label="Sector",
        values=lambda card: {card.outline.sector: wording.word(card.outline.sector)},
    ),
    Facet(
        name="mode",
        label="Mode",
        values=lambda card: {mode: wording.word(mode) for mode in card.outline.modes},
    ),
    Facet(
        name="difficulty",
        label="Difficulty",
        values=lambda card: {str(card.level.step): f"{card.level.step} of 5"},
    ),
    Facet(name="minutes", label="Time", values=_lengths, fixed=LENGTHS),
    Facet(
        name="state",
        label="Your state",
        values=lambda card: {card.state: STATES[card.state]},
        fixed=STATES,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One value of a filter.

    Args:
        count: How many scenarios would be left with it, all other filters as they are.
    """

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, kw_only=True)
class Group:
    """One filter with its values.

    Args:
        count: How many scenarios would be left without it.
    """

    name: str
    label: str
    count: int
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class Active:
    """A filter that is set.

    Args:
        without: The address's query without it.
        count: How many scenarios would be left without it.
    """

    name: str
    label: str
    value: str
    without: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Browsed:
    """What the filters leave, and what each of them does.

    Args:
        query: What the address asks for, and nothing that filters nothing.
    """

    q: str
    chosen: Mapping[str, str]
    query: str
    kept: tuple[Card, ...]
    groups: tuple[Group, ...]
    active: tuple[Active, ...]

    @property
    def to_loosen(self) -> tuple[Active, ...]:
        """Return the filters that hide everything alone, what would be left most first."""
        helping = [each for each in self.active if each.count and not self.kept]
        return tuple(sorted(helping, key=lambda each: -each.count))


def browse(cards: Sequence[Card], query: Mapping[str, str]) -> Browsed:
    """Filter cards as an address asks; values that no card has filter nothing and are dropped."""
    found = [{facet.name: facet.values(card) for facet in FACETS} for card in cards]
    words = {facet.name: _choices_of(facet, found) for facet in FACETS}
    chosen = {name: query[name] for name, known in words.items() if query.get(name) in known}
    q = " ".join(query.get(WORDS, "").split())[:WORDS_AT_MOST]
    failing = [_failing(card, has, q, chosen) for card, has in zip(cards, found, strict=True)]
    left = _counts(found, failing)
    asked = ({WORDS: q} if q else {}) | chosen
    return Browsed(
        q=q,
        chosen=chosen,
        query=urlencode(asked),
        kept=tuple(card for card, fails in zip(cards, failing, strict=True) if not fails),
        groups=tuple(_group(facet, words[facet.name], chosen, left) for facet in FACETS),
        active=tuple(_active(name, asked, words, left) for name in asked),
    )


type _Left = Counter[tuple[str, str | None]]


def _choices_of(facet: Facet, found: Iterable[Mapping[str, Mapping[str, str]]]) -> dict[str, str]:
    """Return the values a facet offers with their words, in order."""
    if facet.fixed is not None:
        return dict(facet.fixed)
    known = {key: word for has in found for key, word in has[facet.name].items()}
    return dict(sorted(known.items(), key=lambda item: (item[1].casefold(), item[0])))


def _failing(
    card: Card, has: Mapping[str, Mapping[str, str]], q: str, chosen: Mapping[str, str]
) -> frozenset[str]:
    """Return the names of the filters that keep a card away."""
    fails = {name for name, value in chosen.items() if value not in has[name]}
    if not all(word in card.searched for word in q.casefold().split()):
        fails.add(WORDS)
    return frozenset(fails)


def _counts(
    found: Iterable[Mapping[str, Mapping[str, str]]], failing: Iterable[frozenset[str]]
) -> _Left:
    """Count what each value of each filter would leave; None counts what is left without it.

    A card that only one filter keeps away is there again under that filter's other values.
    """
    left: _Left = Counter()
    for has, fails in zip(found, failing, strict=True):
        for name in (*has, WORDS):
            if fails <= {name}:
                left[name, None] += 1
                left.update((name, value) for value in has.get(name, ()))
    return left


def _group(facet: Facet, words: Mapping[str, str], chosen: Mapping[str, str], left: _Left) -> Group:
    return Group(
        name=facet.name,
        label=facet.label,
        count=left[facet.name, None],
        choices=tuple(
            Choice(
                value=value,
                label=word,
                count=left[facet.name, value],
                selected=chosen.get(facet.name) == value,
            )
            for value, word in words.items()
        ),
    )


def _active(
    name: str, asked: Mapping[str, str], words: Mapping[str, Mapping[str, str]], left: _Left
) -> Active:
    labels = {facet.name: facet.label for facet in FACETS} | {WORDS: "Words"}
    value = asked[name]
    return Active(
        name=name,
        label=labels[name],
        value=words[name][value] if name in words else f"“{value}”",
        without=urlencode({other: each for other, each in asked.items() if other != name}),
        count=left[name, None],
    )
