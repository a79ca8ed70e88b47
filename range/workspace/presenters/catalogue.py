"""The catalogue's cards, its filters and what is recommended first."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from range.accounts.models import User
from range.assessment.models import Grade
from range.catalog.models import ScenarioVersion
from range.catalog.schema import ScenarioSpec
from range.catalog.services import spec_of
from range.competencies.models import ObservableSkill
from range.exercises.models import Attempt, Exercise
from range.exercises.services import offered_to
from range.workspace import wording
from range.workspace.presenters import specs

Ready = ScenarioVersion.ImageState
FIRST_SCENARIO = "sudo-says"
LENGTHS = (("20", "Up to 20 min"), ("45", "Up to 45 min"), ("90", "Up to 90 min"))


@dataclass(frozen=True, kw_only=True)
class Card:
    """One scenario as the catalogue shows it to one person.

    Args:
        attempt_state: State of the person's newest attempt; empty when there is none.
        settled: Whether its images are ready or have failed, so that nothing will change.
    """

    slug: str
    title: str
    summary: str
    sector: str
    modes: tuple[str, ...]
    difficulty: int
    minutes: int
    skills: tuple[str, ...]
    image_state: str
    settled: bool
    verified_at: datetime | None
    attempt_state: str
    passed: bool

    @property
    def searched(self) -> str:
        """Return everything the search looks through."""
        return " ".join((self.title, self.summary, self.sector, *self.skills)).casefold()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One value of a filter."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, kw_only=True)
class Group:
    """One filter with its values."""

    name: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the address asks for; unknown values filter nothing and are dropped."""

    q: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()

    @property
    def active(self) -> bool:
        """Tell whether anything is filtered."""
        return bool(self.q or self.chosen)


@dataclass(frozen=True, kw_only=True)
class StartHere:
    """The scenario a newcomer is sent to, with the reason."""

    slug: str
    title: str
    why: str


def one_per_scenario(exercises: Iterable[Exercise]) -> list[Exercise]:
    """Keep one exercise of each scenario: the practice one where there is one."""
    kept: dict[uuid.UUID, Exercise] = {}
    for exercise in exercises:
        scenario = exercise.version.scenario_id
        if scenario not in kept or exercise.policy == Exercise.Policy.PRACTICE:
            kept[scenario] = exercise
    return list(kept.values())


def cards_for(person: User, *, slug: str = "") -> list[Card]:
    """Return the cards of everything offered to a person, optionally of one scenario."""
    offers = offered_to(person)
    if slug:
        offers = offers.filter(version__scenario__slug=slug)
    exercises = one_per_scenario(offers)
    states = _newest_states(person)
    passed = _passed(person)
    names = skill_names(key for each in exercises for key in specs.skill_keys(_spec(each)))
    return [
        _card(
            exercise.version,
            names=names,
            state=states.get(exercise.version.scenario_id, ""),
            passed=exercise.version.scenario_id in passed,
        )
        for exercise in exercises
    ]


def skill_names(keys: Iterable[str]) -> dict[str, str]:
    """Return the names of observable skills by key."""
    wanted = set(keys)
    return dict(ObservableSkill.objects.filter(key__in=wanted).values_list("key", "name"))


def settled(version: ScenarioVersion) -> bool:
    """Tell whether a version's images are ready or have failed."""
    return version.image_state in (Ready.READY, Ready.FAILED)


def read_filters(cards: Sequence[Card], query: Mapping[str, str]) -> Filters:
    """Build the filters that the cards allow, with the address's choices marked."""
    options = {
        "mode": ("Mode", _words(mode for card in cards for mode in card.modes)),
        "sector": ("Sector", _words(card.sector for card in cards)),
        "skill": ("Skill", _plain(skill for card in cards for skill in card.skills)),
        "difficulty": ("Difficulty", [(str(n), f"{n} of 5") for n in _difficulties(cards)]),
        "length": ("Length", list(LENGTHS)),
    }
    chosen = {
        name: query[name]
        for name, (_, values) in options.items()
        if query.get(name) in {value for value, _ in values}
    }
    groups = tuple(
        Group(
            name=name,
            label=label,
            choices=tuple(
                Choice(value=value, label=text, selected=chosen.get(name) == value)
                for value, text in values
            ),
        )
        for name, (label, values) in options.items()
    )
    return Filters(q=query.get("q", "").strip()[:100], chosen=chosen, groups=groups)


def keep(cards: Sequence[Card], filters: Filters) -> list[Card]:
    """Return the cards that every filter lets through."""
    return [card for card in cards if _fits(card, filters)]


def start_here(cards: Sequence[Card]) -> StartHere | None:
    """Return where to begin, for somebody who has not begun anything yet."""
    if any(card.attempt_state for card in cards):
        return None
    ready = [card for card in cards if card.image_state == Ready.READY]
    if not ready:
        return None
    first = min(
        ready, key=lambda card: (card.slug != FIRST_SCENARIO, card.difficulty, card.minutes)
    )
    return StartHere(
        slug=first.slug,
        title=first.title,
        why=f"About {first.minutes} minutes, difficulty {first.difficulty} of 5, and its machines "
        "are ready. You get a terminal in the browser; there is nothing to install.",
    )


def _fits(card: Card, filters: Filters) -> bool:
    chosen = filters.chosen
    words = filters.q.casefold().split()
    return (
        all(word in card.searched for word in words)
        and chosen.get("mode", "") in ("", *card.modes)
        and chosen.get("sector", "") in ("", card.sector)
        and chosen.get("skill", "") in ("", *card.skills)
        and chosen.get("difficulty", "") in ("", str(card.difficulty))
        and card.minutes <= int(chosen.get("length") or card.minutes)
    )


def _card(version: ScenarioVersion, *, names: Mapping[str, str], state: str, passed: bool) -> Card:
    spec = spec_of(version)
    return Card(
        slug=version.scenario.slug,
        title=spec.title,
        summary=specs.preview(spec.summary),
        sector=spec.sector,
        modes=spec.modes,
        difficulty=spec.difficulty,
        minutes=spec.estimated_minutes,
        skills=tuple(names.get(key) or wording.word(key) for key in specs.skill_keys(spec)),
        image_state=version.image_state,
        settled=settled(version),
        verified_at=version.verified_at,
        attempt_state=state,
        passed=passed,
    )


def _spec(exercise: Exercise) -> ScenarioSpec:
    return spec_of(exercise.version)


def _newest_states(person: User) -> dict[uuid.UUID, str]:
    attempts = Attempt.objects.filter(trainee=person).order_by("started_at")
    return dict(attempts.values_list("exercise__version__scenario", "state"))


def _passed(person: User) -> set[uuid.UUID]:
    newest = Grade.objects.filter(attempt__trainee=person).order_by("attempt", "-at")
    grades = newest.distinct("attempt").values_list(
        "attempt__exercise__version__scenario", "passed"
    )
    return {scenario for scenario, passed in grades if passed}


def _words(slugs: Iterable[str]) -> list[tuple[str, str]]:
    return [(slug, wording.word(slug)) for slug in sorted(set(slugs))]


def _plain(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in sorted(set(values))]


def _difficulties(cards: Sequence[Card]) -> list[int]:
    return sorted({card.difficulty for card in cards})
