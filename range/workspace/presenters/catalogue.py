"""The catalogue's cards: what is offered to one person, and where they stand in it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from range.accounts.models import User
from range.assessment.models import Grade
from range.catalog.models import ScenarioVersion
from range.catalog.outline import Outline, outlines_of
from range.competencies.frameworks import role_titles
from range.competencies.models import ObservableSkill
from range.exercises.models import Attempt, Exercise
from range.exercises.services import offered_to
from range.pipeline.difficulties import known_difficulties
from range.pipeline.difficulty import Difficulty
from range.workspace import wording
from range.workspace.presenters import specs
from range.workspace.presenters.level import Level, level_of

Ready = ScenarioVersion.ImageState
FIRST_SCENARIO = "sudo-says"
# Where somebody stands in a scenario.
NEW, UNDER_WAY, PASSED, TRIED = "new", "under-way", "passed", "tried"
# What a list has no use for, and what may be megabytes.
BULKY = ("spec", "assets", "brief", "images", "image_detail")


@dataclass(frozen=True, kw_only=True)
class Card:
    """One scenario as the catalogue shows it to one person.

    Args:
        skills: Names of observable skills, in the order of the outline's keys.
        roles: Titles of work roles by code; the code again where this range knows no title.
        settled: Whether its images are ready or have failed, so that nothing will change.
        state: Whether it is new to the person, under way, passed, or tried and not passed.
        attempt_id: The attempt that can be gone on with; None without one.
        told_by: The graded attempt that tells where they stand: one passed, else any.
    """

    slug: str
    title: str
    summary: str
    outline: Outline
    difficulty: Difficulty
    skills: tuple[str, ...]
    roles: Mapping[str, str]
    image_state: str
    settled: bool
    verified_at: datetime | None
    state: str
    attempt_id: uuid.UUID | None = None
    told_by: uuid.UUID | None = None

    @property
    def level(self) -> Level:
        """Return how hard it is, as pages show it."""
        return level_of(self.difficulty)

    @property
    def searched(self) -> str:
        """Return everything the search looks through."""
        outline = self.outline
        words = (self.title, self.summary, self.slug, wording.word(outline.sector))
        return " ".join((*words, *outline.tags, *self.skills, *self.roles.values())).casefold()


@dataclass(frozen=True, kw_only=True)
class StartHere:
    """The scenario a newcomer is sent to, with the reason."""

    slug: str
    title: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Past:
    """A scenario that somebody attempted and that is no longer offered to them."""

    slug: str
    title: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What is offered to one person, and what was."""

    cards: tuple[Card, ...]
    past: tuple[Past, ...]

    @property
    def has_begun(self) -> bool:
        """Tell whether the person ever began anything."""
        return bool(self.past) or any(card.state != NEW for card in self.cards)

    @property
    def under_way(self) -> tuple[Card, ...]:
        """Return what can be gone on with."""
        return tuple(card for card in self.cards if card.attempt_id)


def one_per_scenario(exercises: Iterable[Exercise]) -> list[Exercise]:
    """Keep one exercise of each scenario: the practice one where there is one."""
    kept: dict[uuid.UUID, Exercise] = {}
    for exercise in exercises:
        scenario = exercise.version.scenario_id
        if scenario not in kept or exercise.policy == Exercise.Policy.PRACTICE:
            kept[scenario] = exercise
    return list(kept.values())


def shelf_of(person: User, *, slug: str = "") -> Shelf:
    """Return the cards of everything offered to a person, optionally of one scenario.

    As many queries for hundreds of scenarios as for one.
    """
    offers = offered_to(person).defer(*(f"version__{name}" for name in BULKY))
    if slug:
        offers = offers.filter(version__scenario__slug=slug)
    versions = [exercise.version for exercise in one_per_scenario(offers)]
    outlines = outlines_of(version.pk for version in versions)
    readable = [version for version in versions if version.pk in outlines]
    standing = _where(person)
    declared = {each.scenario_id: outlines[each.pk].difficulty for each in readable}
    difficulties = known_difficulties(declared)
    names = skill_names(key for each in outlines.values() for key in each.skills)
    titles = role_titles({code for each in outlines.values() for code in each.work_roles})
    cards = tuple(
        _card(
            version,
            outlines[version.pk],
            difficulties[version.scenario_id],
            standing.get(version.scenario_id, _Standing()),
            skills=names,
            titles=titles,
        )
        for version in readable
    )
    offered = {version.scenario_id for version in versions}
    past = [each for scenario, each in standing.items() if scenario not in offered]
    return Shelf(cards=cards, past=tuple(each.as_past() for each in past if not slug))


def skill_names(keys: Iterable[str]) -> dict[str, str]:
    """Return the names of observable skills by key; a key without one is put into words."""
    wanted = set(keys)
    known = dict(ObservableSkill.objects.filter(key__in=wanted).values_list("key", "name"))
    return {key: known.get(key) or wording.word(key) for key in wanted}


def settled(version: ScenarioVersion) -> bool:
    """Tell whether a version's images are ready or have failed."""
    return version.image_state in (Ready.READY, Ready.FAILED)


def start_here(cards: Sequence[Card]) -> StartHere | None:
    """Return where somebody begins who has not begun anything yet."""
    ready = [card for card in cards if card.image_state == Ready.READY]
    if not ready:
        return None
    first = min(
        ready,
        key=lambda card: (card.slug != FIRST_SCENARIO, card.level.step, card.outline.minutes),
    )
    return StartHere(
        slug=first.slug,
        title=first.title,
        why=f"About {first.outline.minutes} minutes, difficulty {first.level.step} of 5, and its "
        "machines are ready. You get a terminal in the browser; there is nothing to install.",
    )


@dataclass(kw_only=True)
class _Standing:
    """Where a person stands in one scenario."""

    slug: str = ""
    title: str = ""
    attempts: int = 0
    passed: bool = False
    is_graded: bool = True
    attempt_id: uuid.UUID | None = None
    told_by: uuid.UUID | None = None

    @property
    def state(self) -> str:
        if self.attempt_id or not self.is_graded:
            return UNDER_WAY
        if self.passed:
            return PASSED
        return TRIED if self.attempts else NEW

    def as_past(self) -> Past:
        return Past(slug=self.slug, title=self.title, attempts=self.attempts)


def _where(person: User) -> dict[uuid.UUID, _Standing]:
    """Return where a person stands in every scenario they attempted, by scenario."""
    rows = Attempt.objects.filter(trainee=person).order_by("started_at")
    scenario = "exercise__version__scenario"
    found: dict[uuid.UUID, _Standing] = {}
    columns = ("pk", "state", scenario, f"{scenario}__slug", f"{scenario}__title")
    for pk, state, of, slug, title in rows.values_list(*columns):
        each = found.setdefault(of, _Standing(slug=slug, title=title))
        each.attempts += 1
        each.is_graded = each.is_graded and state == Attempt.State.GRADED
        if state == Attempt.State.ACTIVE:
            each.attempt_id = pk
    newest = Grade.objects.filter(attempt__trainee=person).order_by("attempt", "-at")
    grades = newest.distinct("attempt").values_list(f"attempt__{scenario}", "passed", "attempt")
    for of, passed, pk in grades:
        if passed or not found[of].passed:
            found[of].told_by = pk
        found[of].passed = found[of].passed or passed
    return found


def _card(
    version: ScenarioVersion,
    outline: Outline,
    difficulty: Difficulty,
    standing: _Standing,
    *,
    skills: Mapping[str, str],
    titles: Mapping[str, str],
) -> Card:
    return Card(
        slug=version.scenario.slug,
        title=outline.title,
        summary=specs.preview(outline.summary),
        outline=outline,
        difficulty=difficulty,
        skills=tuple(skills[key] for key in outline.skills),
        roles={code: titles.get(code, code) for code in outline.work_roles},
        image_state=version.image_state,
        settled=settled(version),
        verified_at=version.verified_at,
        state=standing.state,
        attempt_id=standing.attempt_id,
        told_by=standing.told_by,
    )
