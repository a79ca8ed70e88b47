"""Fits difficulties and the hint offset to attempts, and tells how well the fit foretells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from range.pipeline.estimate import Observation, forecasts, weigh
from range.pipeline.fitting import RUNGS, Columns, fit
from range.pipeline.parameters import ParameterSet

FEWEST_ANSWERS = 5


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One observation of one person, with the item that it answers."""

    person: str
    item: str
    observation: Observation


@dataclass(frozen=True, kw_only=True)
class ItemFit:
    """What attempts say of one item.

    Args:
        before: Its difficulty as its author, or an earlier fit, has it, logits.
        share: Mean score of its answers.
        expected: The mean score that the fit expects of them.
    """

    item: str
    before: float
    difficulty: float
    sd: float
    answers: int
    share: float
    expected: float


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Fitted values and how they were come by.

    Args:
        asking: How strongly what people cannot do makes them ask for help, a logit a logit.
        items: Those with enough answers to be moved.
        loss_before, loss_after: Mean surprise at what people who were held out did next, in
            nats, with the parameters before and after; None with too few people.
    """

    hint_offset: float
    hint_offset_sd: float
    asking: float
    items: tuple[ItemFit, ...]
    people: int
    answers: int
    loss_before: float | None
    loss_after: float | None


def calibrate(answers: Sequence[Answer], *, parameters: ParameterSet) -> Fit:
    """Fit every item and the hint offset, and test the fit on people held out of it.

    Answers whose solution was shown, or that count nothing, teach nothing.

    Raises:
        ValueError: There is no answer at all, or none that teaches anything.
    """
    if not answers:
        raise ValueError("there are no answers to fit anything to")
    fitted = _fit(answers, parameters)
    people = sorted({each.person for each in answers})
    before, after = _held_out(answers, people, parameters)
    return replace(fitted, loss_before=before, loss_after=after)


def fitted_set(fit: Fit, *, name: str, base: ParameterSet) -> ParameterSet:
    """Return a new parameter set with what was fitted."""
    moved = {each.item: (each.item, each.difficulty, each.sd) for each in fit.items}
    kept = {each[0]: each for each in base.difficulties}
    return replace(
        base,
        name=name,
        hint_offset=fit.hint_offset,
        difficulties=tuple(each for _, each in sorted({**kept, **moved}.items())),
    )


def _columns(
    answers: Sequence[Answer], parameters: ParameterSet
) -> tuple[Columns, tuple[str, ...]]:
    """Return the answers that teach something as columns, and the names of their items."""
    worth: dict[str, float] = {}
    by_person: dict[str, list[Observation]] = {}
    for each in answers:
        by_person.setdefault(each.person, []).append(each.observation)
    for observations in by_person.values():
        for weighed in weigh(observations, parameters=parameters):
            worth[weighed.observation.key] = weighed.weight
    taught = [
        each
        for each in answers
        if worth[each.observation.key] > 0 and not each.observation.solution_shown
    ]
    people = _numbers(each.person for each in taught)
    attempts = _numbers(each.observation.attempt for each in taught)
    items = _numbers(each.item for each in taught)
    skills = _numbers(name for each in taught for name, _ in each.observation.skills)
    weights = np.zeros((len(taught), len(skills)))
    start, start_sd = np.zeros(len(items)), np.ones(len(items))
    for row, each in enumerate(taught):
        for name, share in each.observation.skills:
            weights[row, skills[name]] = share
        start[items[each.item]] = each.observation.difficulty
        start_sd[items[each.item]] = each.observation.difficulty_sd
    columns = Columns(
        person=np.array([people[each.person] for each in taught], dtype=np.int64),
        attempt=np.array([attempts[each.observation.attempt] for each in taught], dtype=np.int64),
        item=np.array([items[each.item] for each in taught], dtype=np.int64),
        weights=weights,
        rung=np.array([min(RUNGS, each.observation.hint_level) for each in taught], dtype=np.int64),
        score=np.array([each.observation.score for each in taught]),
        worth=np.array([worth[each.observation.key] for each in taught]),
        start=start,
        start_sd=start_sd,
    )
    return columns, tuple(items)


def _numbers(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted(set(names)))}


def _fit(answers: Sequence[Answer], parameters: ParameterSet) -> Fit:
    data, names = _columns(answers, parameters)
    if not names:
        raise ValueError("no answer teaches anything: each was shown its solution")
    state = fit(data, parameters)
    count = np.bincount(data.item, minlength=len(names))
    scored, expected = data.per_item(data.score), data.per_item(state.chance)
    items = tuple(
        ItemFit(
            item=name,
            before=float(data.start[at]),
            difficulty=round(float(state.difficulty[at]), 6),
            sd=round(float(state.spread[at]), 6),
            answers=int(count[at]),
            share=float(scored[at] / count[at]),
            expected=float(expected[at] / count[at]),
        )
        for at, name in enumerate(names)
        if count[at] >= FEWEST_ANSWERS
    )
    return Fit(
        hint_offset=round(state.offset, 6),
        hint_offset_sd=round(state.offset_sd, 6),
        asking=round(state.steepness, 6),
        items=items,
        people=len(set(data.person.tolist())),
        answers=len(data.score),
        loss_before=None,
        loss_after=None,
    )


def _held_out(
    answers: Sequence[Answer], people: Sequence[str], parameters: ParameterSet
) -> tuple[float | None, float | None]:
    """Fit on every second person, and foretell what the others did, before and after."""
    kept, tested = set(people[::2]), set(people[1::2])
    training = [each for each in answers if each.person in kept]
    if len(tested) < FEWEST_ANSWERS or not training:
        return None, None
    after = fitted_set(_fit(training, parameters), name="held-out", base=parameters)
    moved = {name: (logits, sd) for name, logits, sd in after.difficulties}
    losses: list[list[float]] = [[], []]
    for person in sorted(tested):
        own = [each for each in answers if each.person == person]
        again = [
            replace(each.observation, difficulty=moved[each.item][0],
                    difficulty_sd=moved[each.item][1]) if each.item in moved else each.observation
            for each in own
        ]  # fmt: skip
        losses[0] += _losses([each.observation for each in own], parameters)
        losses[1] += _losses(again, after)
    return round(float(np.mean(losses[0])), 6), round(float(np.mean(losses[1])), 6)


def _losses(observations: Sequence[Observation], parameters: ParameterSet) -> list[float]:
    return [
        -(item.score * math.log(chance) + (1.0 - item.score) * math.log(1.0 - chance))
        for item, chance in forecasts(observations, parameters=parameters)
        if item.weight > 0.0 and not item.observation.solution_shown
    ]
