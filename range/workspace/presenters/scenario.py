"""The page of one scenario: story, picture, what it shows, and the trainee's attempts at it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.utils.safestring import SafeString, mark_safe

from range.accounts.access import can_launch
from range.accounts.models import User
from range.assessment.models import Grade
from range.catalog.models import ScenarioVersion
from range.catalog.services import brief_preview, spec_of
from range.exercises.models import Attempt, Exercise
from range.exercises.services import offered_to
from range.workspace import wording
from range.workspace.presenters import specs
from range.workspace.presenters.assigned import Assigned, assigned, assigned_exercise
from range.workspace.presenters.catalogue import one_per_scenario, settled, skill_names
from range.workspace.presenters.topology import Picture

PAST_SHOWN = 10
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
class ScenarioPage:
    """Everything the page of a scenario shows to one person."""

    slug: str
    title: str
    summary: str
    story: SafeString
    sector: str
    modes: tuple[str, ...]
    work_roles: tuple[str, ...]
    difficulty: int
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
    skills: Sequence[str]
    rules: Sequence[str]
    open_attempt: OpenAttempt | None
    past_attempts: Sequence[PastAttempt]
    given: Assigned | None


def exercise_for(person: User, slug: str, wanted: str = "") -> Exercise:
    """Return the exercise through which a scenario is offered to a person.

    Args:
        wanted: Id of an exercise assigned to them; empty for the one that is open to practise.

    Raises:
        Http404: It is not offered to this person.
    """
    if wanted:
        return assigned_exercise(person, slug, wanted)
    offers = one_per_scenario(offered_to(person).filter(version__scenario__slug=slug))
    if not offers:
        raise Http404
    return offers[0]


def scenario_page(person: User, exercise: Exercise) -> ScenarioPage:
    """Gather the page of a scenario, as practice or as what was assigned."""
    version = exercise.version
    spec = spec_of(version)
    keys = specs.skill_keys(spec)
    names = skill_names(keys)
    return ScenarioPage(
        slug=version.scenario.slug,
        title=spec.title,
        summary=specs.preview(spec.summary),
        story=safe(brief_preview(version)),
        sector=spec.sector,
        modes=spec.modes,
        work_roles=spec.frameworks["nice"].work_roles if "nice" in spec.frameworks else (),
        difficulty=spec.difficulty,
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
        skills=[names.get(key) or wording.word(key) for key in keys],
        rules=rules_for(exercise),
        open_attempt=_open_attempt(person, exercise),
        past_attempts=_past_attempts(person, version),
        given=assigned(person, exercise) if exercise.is_assigned else None,
    )


def safe(html: str) -> SafeString:
    """Mark HTML that the catalogue has already cleaned, so that a template shows it as it is."""
    return mark_safe(html)  # noqa: S308 - cleaned by range.catalog.briefs


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
