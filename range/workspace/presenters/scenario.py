"""The page of one scenario: story, picture, what it shows, and the trainee's attempts at it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.http import Http404
from django.utils.safestring import SafeString

from range.accounts.access import can_launch, can_read_scenario
from range.accounts.models import User
from range.assessment.models import Grade
from range.catalog.models import ScenarioVersion
from range.catalog.outline import skill_keys
from range.catalog.services import brief_preview, spec_of
from range.competencies.frameworks import role_titles
from range.competencies.models import Framework, ObservableSkill
from range.exercises.models import Attempt, Exercise
from range.exercises.services import offered_to
from range.pipeline.difficulties import known_difficulties
from range.workspace.presenters import specs
from range.workspace.presenters.assigned import Assigned, assigned, assigned_exercise
from range.workspace.presenters.attempt import url_or_nothing
from range.workspace.presenters.catalogue import one_per_scenario, settled, skill_names
from range.workspace.presenters.level import Level, level_of
from range.workspace.presenters.topology import Picture

PAST_SHOWN = 10
VERSIONS_SHOWN = 8
_RULES = (
    "The machines are yours alone and reach nothing outside. Break them; Reset gives fresh ones.",
    "Your consoles are recorded, so that a score can be traced to what you did.",
    "Flags are made for your attempt. Another trainee's flag is noticed, not accepted.",
)
_WITH_TUTOR = (
    "You may ask the tutor. A hint lowers how independently you solved an objective, not you.",
)
_ASSESSED = ("This is an assessed attempt: the same conditions for everyone, and no tutor.",)


@dataclass(frozen=True, kw_only=True)
class OpenAttempt:
    """The attempt that can be resumed."""

    id: uuid.UUID
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class PastAttempt:
    """An attempt that is over.

    Args:
        share: None while there is no grade yet.
    """

    id: uuid.UUID
    started_at: datetime
    state_label: str
    share: float | None
    provisional: bool


@dataclass(frozen=True, kw_only=True)
class Published:
    """One version of a scenario.

    Args:
        is_shown: Whether it is the one this page is about.
        attempts: At this version, by everybody.
    """

    version: str
    digest: str
    published_at: datetime
    verified_at: datetime | None
    is_shown: bool
    attempts: int


@dataclass(frozen=True, kw_only=True)
class ShownSkill:
    """A skill that the scenario observes; one that is not known here has no page."""

    key: str
    name: str
    is_known: bool


@dataclass(frozen=True, kw_only=True)
class ScenarioPage:
    """Everything the page of a scenario shows to one person.

    Args:
        work_roles: Titles by code.
        release: What names the edition of those codes in addresses; empty without one.
        is_offered: Whether anything new can be begun in it by this person, now or later.
        sees_verification: Whether it tells what each version holds, and how many attempted it.
        verify_url: Where it can be verified once more; empty for whoever may not.
    """

    slug: str
    title: str
    summary: str
    story: SafeString
    sector: str
    modes: tuple[str, ...]
    work_roles: Mapping[str, str]
    release: str
    level: Level
    minutes: int
    limit_minutes: int
    version: str
    verified_at: datetime | None
    policy: str
    image_state: str
    image_detail: str
    settled: bool
    may_launch: bool
    picture: Picture
    goals: Sequence[specs.Goal]
    skills: Sequence[ShownSkill]
    rules: Sequence[str]
    open_attempt: OpenAttempt | None
    past_attempts: Sequence[PastAttempt]
    given: Assigned | None
    is_offered: bool
    versions: Sequence[Published]
    sees_verification: bool
    verify_url: str


def exercise_for(person: User, slug: str, wanted: str = "") -> Exercise:
    """Return the exercise through which a scenario is offered to a person.

    Args:
        wanted: Id of an exercise assigned to them; empty for the one that is open to practise.

    Raises:
        Http404: It is not offered to this person.
    """
    if wanted:
        return assigned_exercise(person, slug, wanted)
    offered = _offered(person, slug)
    if offered is None:
        raise Http404
    return offered


def page_for(person: User, slug: str, wanted: str = "") -> ScenarioPage:
    """Gather the page of a scenario: as it is offered, was assigned, or was attempted once.

    A scenario that is retired takes nothing new; who attempted it still reads it.

    Args:
        wanted: Id of an exercise assigned to them; empty for the one that is open to practise.

    Raises:
        Http404: It is not offered to this person, and they never attempted it.
    """
    if wanted:
        return scenario_page(person, assigned_exercise(person, slug, wanted))
    if (offered := _offered(person, slug)) is not None:
        return scenario_page(person, offered)
    tried = Attempt.objects.filter(trainee=person, exercise__version__scenario__slug=slug)
    newest = tried.select_related("exercise__version__scenario").order_by("-started_at").first()
    if newest is None:
        raise Http404
    return scenario_page(person, newest.exercise, is_offered=False)


def _offered(person: User, slug: str) -> Exercise | None:
    offers = one_per_scenario(offered_to(person).filter(version__scenario__slug=slug))
    return offers[0] if offers else None


def scenario_page(person: User, exercise: Exercise, *, is_offered: bool = True) -> ScenarioPage:
    """Gather the page of a scenario, as practice or as what was assigned."""
    version = exercise.version
    spec = spec_of(version)
    codes = spec.frameworks["nice"].work_roles if "nice" in spec.frameworks else ()
    titles, edition = role_titles(codes), Framework.objects.current("nice")
    reads = can_read_scenario(person, version.scenario.owner_id)
    return ScenarioPage(
        slug=version.scenario.slug,
        title=spec.title,
        summary=specs.preview(spec.summary),
        story=specs.safe(brief_preview(version)),
        sector=spec.sector,
        modes=spec.modes,
        work_roles={code: titles.get(code, code) for code in codes},
        release=edition.release if edition else "",
        level=_level(version, spec.difficulty),
        minutes=spec.estimated_minutes,
        limit_minutes=spec.lifecycle.limit_minutes,
        version=version.version,
        verified_at=version.verified_at,
        policy=exercise.policy.lower(),
        image_state=version.image_state,
        image_detail=version.image_detail[:400],
        settled=settled(version),
        may_launch=can_launch(person),
        picture=specs.picture(spec),
        goals=specs.goals(spec),
        skills=_skills(skill_keys(spec)),
        rules=rules_for(exercise),
        open_attempt=_open_attempt(person, exercise),
        past_attempts=_past_attempts(person, version),
        given=assigned(person, exercise) if exercise.is_assigned else None,
        is_offered=is_offered,
        versions=_versions(version),
        sees_verification=reads,
        verify_url=url_or_nothing("verify-version", version.pk) if reads else "",
    )


def _skills(keys: Sequence[str]) -> list[ShownSkill]:
    names = skill_names(keys)
    known = set(ObservableSkill.objects.filter(key__in=keys).values_list("key", flat=True))
    return [ShownSkill(key=key, name=names[key], is_known=key in known) for key in keys]


def _level(version: ScenarioVersion, declared: int) -> Level:
    scenario = version.scenario_id
    return level_of(known_difficulties({scenario: declared})[scenario])


def _versions(shown: ScenarioVersion) -> list[Published]:
    """Return the newest versions of a scenario, and how many attempts were made at each."""
    rows = ScenarioVersion.objects.filter(scenario=shown.scenario_id)
    columns = ("pk", "version", "digest", "published_at", "verified_at", "attempts")
    newest = rows.annotate(attempts=Count("exercises__attempts")).order_by("-published_at")
    return [
        Published(
            version=version,
            digest=digest,
            published_at=published_at,
            verified_at=verified_at,
            is_shown=pk == shown.pk,
            attempts=attempts,
        )
        for pk, version, digest, published_at, verified_at, attempts in newest.values_list(
            *columns
        )[:VERSIONS_SHOWN]
    ]


def rules_for(exercise: Exercise) -> tuple[str, ...]:
    """Return the rules of an exercise, one sentence or two each."""
    assessed = exercise.policy == Exercise.Policy.ASSESSED
    return _RULES + (_ASSESSED if assessed else _WITH_TUTOR)


def _attempts(person: User, version: ScenarioVersion) -> list[Attempt]:
    return list(
        Attempt.objects.filter(
            trainee=person, exercise__version__scenario=version.scenario_id
        ).order_by("-started_at")[: PAST_SHOWN + 1]
    )


def _open_attempt(person: User, exercise: Exercise) -> OpenAttempt | None:
    found = Attempt.objects.filter(trainee=person, state=Attempt.State.ACTIVE)
    if exercise.is_assigned:
        found = found.filter(exercise=exercise)
    else:
        # Practice goes on where it was begun, whatever version is the newest by now.
        scenario = exercise.version.scenario_id
        found = found.filter(exercise__version__scenario=scenario, exercise__cohort=None)
    attempt = found.order_by("-started_at").first()
    return OpenAttempt(id=attempt.pk, started_at=attempt.started_at) if attempt else None


def _past_attempts(person: User, version: ScenarioVersion) -> list[PastAttempt]:
    over = [each for each in _attempts(person, version) if each.state != Attempt.State.ACTIVE]
    newest = Grade.objects.filter(attempt__in=over).order_by("attempt", "-at").distinct("attempt")
    grades = {grade.attempt_id: grade for grade in newest}
    return [_past(attempt, grades.get(attempt.pk)) for attempt in over[:PAST_SHOWN]]


def _past(attempt: Attempt, grade: Grade | None) -> PastAttempt:
    return PastAttempt(
        id=attempt.pk,
        started_at=attempt.started_at,
        state_label=attempt.get_state_display(),
        share=grade.share if grade else None,
        provisional=bool(grade and grade.provisional),
    )
