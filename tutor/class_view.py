"""Shapes what instructors read about a class: objectives, questions that are alike, what came."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Max, Q

from range.assessment.overview import overview_of
from range.catalog.services import spec_of
from range.exercises.models import Attempt, Exercise
from tutor.class_hints import GUARD_REASONS, STOPPED, hints_of
from tutor.clusters import clusters
from tutor.models import Hint, HintVector
from tutor.rungs import describe

LATELY = 12
# What was asked before this many questions says little about where a class is now.
QUESTIONS_AT_MOST = 1000
CLUSTERS_AT_MOST = 12
_STOPPED = {
    "above-rung": "it would have told more than the rung allows",
    "avoided": "it used words that you told it to avoid",
    "encoded": "it held a secret in disguise",
    "flag-shape": "it looked like a flag",
    "prompt": "it recited its own instructions",
    "reference": "it would have given a step of the solution",
    "secret": "it held a secret",
}
_FAILED = {
    "address": "the model's address may not be asked",
    "broken": "the model could not be asked",
    "garbage": "the model's answer could not be read",
    "no-model": "no model could be had",
    "queue": "too many were waiting for the model",
    "refused": "the model refused",
    "slow": "the model was too slow",
    "unreachable": "the model could not be reached",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of an answer.

    Args:
        state: `authored`, `passed`, `stopped`, `failed` or `open`.
    """

    state: str
    label: str
    why: str = ""


def verdict_of(hint: Hint) -> Verdict:
    """Say what the guard and the citations made of a model's words."""
    reason, dropped = str(hint.guard.get("reason") or ""), int(hint.guard.get("dropped") or 0)
    if hint.state == Hint.State.OPEN:
        return Verdict(state="open", label="Being answered")
    if reason in GUARD_REASONS:
        return Verdict(state="stopped", label="Stopped by the guard", why=_STOPPED[reason])
    if hint.state == Hint.State.FAILED:
        silent = "no source bore out what the model said" if dropped else "the model said nothing"
        why = _FAILED.get(reason, "its answer was not fit to show") if reason else silent
        return Verdict(state="failed", label="Author's words instead", why=why)
    if hint.mode == Hint.Mode.NONE:
        return Verdict(state="authored", label="Author's words")
    lost = "" if dropped == 1 else "s"
    why = f"{dropped} sentence{lost} without a source left out" if dropped else ""
    return Verdict(state="passed", label="Passed the guard", why=why)


@dataclass(frozen=True, kw_only=True)
class HintLine:
    """One hint in a list."""

    hint: Hint
    objective: str
    rung: str
    verdict: Verdict


def lines_of(exercise: Exercise, hints: Sequence[Hint]) -> list[HintLine]:
    """Return hints as a list shows them."""
    titles = titles_of(exercise)
    return [
        HintLine(
            hint=hint,
            objective=titles.get(hint.objective, hint.objective),
            rung=describe(hint.rung).name,
            verdict=verdict_of(hint),
        )
        for hint in hints
    ]


def titles_of(exercise: Exercise) -> dict[str, str]:
    """Return titles of objectives by key, in the scenario's order."""
    return {each.key: each.title for each in spec_of(exercise.version).objectives}


@dataclass(frozen=True, kw_only=True)
class ObjectiveLine:
    """How much help a class took on one objective.

    Args:
        open: How many of those who asked have not met it yet.
        highest: Name of the highest rung that was reached; empty while nobody asked.
    """

    key: str
    title: str
    hints: int = 0
    trainees: int = 0
    open: int = 0
    highest: str = ""
    stopped: int = 0


def objective_lines(exercise: Exercise) -> list[ObjectiveLine]:
    """Return every objective with the help taken on it, in four queries whatever the class."""
    rows = {
        row["objective"]: row
        for row in Hint.objects.filter(attempt__exercise=exercise)
        .values("objective")
        .annotate(
            hints=Count("pk"),
            trainees=Count("attempt__trainee", distinct=True),
            highest=Max("rung"),
            stopped=Count("pk", filter=STOPPED),
        )
    }
    waiting = _still_open(exercise)
    return [
        ObjectiveLine(
            key=key,
            title=title,
            hints=row["hints"],
            trainees=row["trainees"],
            open=waiting.get(key, 0),
            highest=describe(row["highest"]).name,
            stopped=row["stopped"],
        )
        if (row := rows.get(key))
        else ObjectiveLine(key=key, title=title)
        for key, title in titles_of(exercise).items()
    ]


def _still_open(exercise: Exercise) -> dict[str, int]:
    """Count, by objective, who asked about it and has not met it in their newest attempt."""
    asked = Hint.objects.filter(attempt__exercise=exercise).order_by()
    pairs = set(asked.values_list("attempt__trainee", "objective").distinct())
    newest: dict[uuid.UUID, Attempt] = {}
    people = {person for person, _ in pairs}
    for attempt in Attempt.objects.filter(exercise=exercise, trainee__in=people).order_by(
        "started_at"
    ):
        attempt.exercise = exercise
        newest[attempt.trainee_id] = attempt
    states = overview_of(list(newest.values()), epochs={})
    found: dict[str, int] = defaultdict(int)
    for person, objective in pairs:
        state = states[newest[person].pk].states.get(objective, "")
        found[objective] += state not in ("met", "waiting")
    return found


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Questions that mean much the same; the first one stands for all.

    Args:
        like: The hint that the others are near to.
    """

    like: uuid.UUID
    question: str
    objective: str
    hints: int
    trainees: int
    unhelpful: int
    latest: datetime


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What a class asks, gathered.

    Args:
        unplaced: Questions that have no vector yet, and so are in no cluster.
        wordless: Hints that were taken without a question.
    """

    clusters: Sequence[Cluster]
    more: int
    unplaced: int
    wordless: int


def questions_of(exercise: Exercise) -> Questions:
    """Gather the newest questions of an exercise by what they mean, most trainees first."""
    rows = list(
        HintVector.objects.filter(hint__attempt__exercise=exercise)
        .order_by("-hint__asked_at", "pk")
        .values_list(
            *("kind", "embedding", "pk", "hint__question", "hint__objective"),
            *("hint__attempt__trainee", "hint__asked_at", "hint__rating"),
        )[:QUESTIONS_AT_MOST]
    )
    groups: dict[tuple[str, str], list[_Placed]] = defaultdict(list)
    for row in rows:
        placed = _Placed(*row)
        groups[placed.kind, placed.objective].append(placed)
    titles = titles_of(exercise)
    found = [
        _cluster([group[at] for at in places], titles)
        for group in groups.values()
        for places in clusters([each.vector for each in group])
    ]
    found.sort(key=lambda each: (-each.trainees, -each.hints, -each.latest.timestamp()))
    hints = Hint.objects.filter(attempt__exercise=exercise)
    counted = hints.aggregate(
        unplaced=Count("pk", filter=~Q(question="") & Q(vector=None)),
        wordless=Count("pk", filter=Q(question="")),
    )
    return Questions(
        clusters=found[:CLUSTERS_AT_MOST], more=len(found[CLUSTERS_AT_MOST:]), **counted
    )


class _Placed(NamedTuple):
    """A question with its vector, as one row brings it."""

    kind: str
    vector: Sequence[float]
    hint: uuid.UUID
    question: str
    objective: str
    trainee: uuid.UUID
    asked_at: datetime
    rating: str


def _cluster(group: Sequence[_Placed], titles: Mapping[str, str]) -> Cluster:
    first = group[0]
    return Cluster(
        like=first.hint,
        question=first.question,
        objective=titles.get(first.objective, first.objective),
        hints=len(group),
        trainees=len({each.trainee for each in group}),
        unhelpful=sum(each.rating == Hint.Rating.NOT_HELPFUL for each in group),
        latest=max(each.asked_at for each in group),
    )


def lately(exercise: Exercise) -> list[HintLine]:
    """Return the newest hints of an exercise with what the guard made of them."""
    return lines_of(exercise, list(hints_of(exercise)[:LATELY]))
