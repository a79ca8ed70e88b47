"""Estimator benchmark: how near the skill model and its peers come to known, simulated skills."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks._packages import rasch_by_mirt
from range.pipeline.estimate import Observation, replay
from range.pipeline.parameters import CURRENT, ParameterSet

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Row = dict[str, float | None]

SKILLS = 8
SCENARIOS = 24
CHECKS = 4
CHECKPOINTS = (6, 12, 24)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# The normal distribution's 90th percentile: the half width of an 80 % interval, in sds.
HALF_WIDTH = 1.2815515655446004


@dataclass(frozen=True, kw_only=True)
class World:
    """A simulated cohort: true skills, and what each check of each scenario saw.

    Args:
        skill: True skills, people x skills.
        weights: Skill weights, checks x skills.
        difficulty: What the author believes, logits, per check.
        rungs: Highest rung used, people x checks.
        passed: Outcome, people x checks.
    """

    skill: Floats
    weights: Floats
    difficulty: Floats
    rungs: Integers
    passed: Floats

    def first(self, scenarios: int) -> "World":
        """Return the same world with only the first scenarios played."""
        end = scenarios * CHECKS
        return World(
            skill=self.skill,
            weights=self.weights[:end],
            difficulty=self.difficulty[:end],
            rungs=self.rungs[:, :end],
            passed=self.passed[:, :end],
        )


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What a method says: skills, people x skills, and their sds where it has any."""

    mean: Floats
    sd: Floats | None = None


def simulate(*, people: int, seed: int) -> World:
    """Draw a cohort.

    Skills are correlated; a check weighs one skill, or two as 0.7 and 0.3; the author's
    difficulty misses the true one; an attempt has its own luck; people differ in how readily
    they ask, and ask the more the harder a check is for them.
    """
    rng = np.random.default_rng(seed)
    rho = CURRENT.prior_correlation
    shared, own = rng.normal(size=(people, 1)), rng.normal(size=(people, SKILLS))
    skill = np.sqrt(rho) * shared + np.sqrt(1 - rho) * own
    checks = SCENARIOS * CHECKS
    weights = _draw_weights(rng, checks)
    believed = rng.normal(0.0, 1.0, checks)
    true = believed + rng.normal(0.0, CURRENT.difficulty_sd, checks)
    luck = np.repeat(rng.normal(0.0, CURRENT.attempt_sd, (people, SCENARIOS)), CHECKS, axis=1)
    margin = skill @ weights.T - true + luck
    asks = rng.normal(0.0, 1.2, (people, 1)) - 0.8 * margin + rng.logistic(size=margin.shape)
    rungs = np.clip(np.floor(asks + 0.5), 0, 3).astype(np.int64)
    chance = _sigmoid(margin + CURRENT.hint_offset * rungs)
    passed = (rng.random(margin.shape) < chance).astype(np.float64)
    return World(skill=skill, weights=weights, difficulty=believed, rungs=rungs, passed=passed)


def _draw_weights(rng: np.random.Generator, checks: int) -> Floats:
    weights = np.zeros((checks, SKILLS))
    for check in range(checks):
        pair = rng.choice(SKILLS, size=2, replace=False)
        if rng.random() < 0.5:
            weights[check, pair[0]] = 1.0
        else:
            weights[check, pair] = (0.7, 0.3)
    return weights


def guess_by_model(world: World) -> Guess:
    """Replay the product's own estimator, check by check."""
    return _replayed(world, rungs=world.rungs)


def guess_by_naive(world: World) -> Guess:
    """A Bayesian model that takes each skill alone and does not see hints."""
    alone = replace(CURRENT, prior_correlation=0.0)
    return _replayed(world, rungs=np.zeros_like(world.rungs), parameters=alone)


def _replayed(world: World, *, rungs: Integers, parameters: ParameterSet = CURRENT) -> Guess:
    names = [f"s{number}" for number in range(SKILLS)]
    estimates = [
        replay(
            _observations(world, rungs[person], world.passed[person]),
            parameters=parameters,
            as_of=EPOCH,
            skills=names,
        )
        for person in range(len(world.passed))
    ]
    return Guess(
        mean=np.array([each.mean for each in estimates]),
        sd=np.array([[each.sd_of(name) for name in names] for each in estimates]),
    )


def _observations(world: World, rungs: Integers, passed: Floats) -> list[Observation]:
    return [
        Observation(
            key=f"{check:03}",
            attempt=str(check // CHECKS),
            scenario=str(check // CHECKS),
            variant=str(check),
            at=EPOCH,
            skills=tuple((f"s{at}", float(row[at])) for at in np.flatnonzero(row)),
            difficulty=float(world.difficulty[check]),
            difficulty_sd=CURRENT.difficulty_sd,
            hint_level=int(rungs[check]),
            score=float(passed[check]),
            checks_in_attempt=CHECKS,
        )
        for check, row in enumerate(world.weights)
    ]


def guess_by_proportion(world: World) -> Guess:
    """Share of a skill's checks that were passed, by weight; hints and difficulty unseen."""
    total = np.maximum(world.weights.sum(axis=0), 1e-9)
    return Guess(mean=(world.passed @ world.weights) / total)


def guess_by_elo(world: World) -> Guess:
    """Elo ratings per skill with a step that shrinks as answers come, as practice sites use."""
    people = len(world.passed)
    rating, answers = np.zeros((people, SKILLS)), np.zeros(SKILLS)
    for check, row in enumerate(world.weights):
        expected = _sigmoid(rating @ row - world.difficulty[check])
        step = 1.0 / (1.0 + 0.05 * answers)
        rating += np.outer(world.passed[:, check] - expected, row * step)
        answers += row
    return Guess(mean=rating)


def guess_by_batch(world: World) -> Guess:
    """Fit each person's skills to all answers at once: MAP by Newton's method, Laplace spread."""
    rho = CURRENT.prior_correlation
    inverse = np.linalg.inv(rho * np.ones((SKILLS, SKILLS)) + (1 - rho) * np.eye(SKILLS))
    shared = CURRENT.attempt_sd**2
    discount = 1.0 / (1.0 + (CHECKS - 1) * shared / (shared + np.pi**2 / 3))
    flatten = 1.0 / np.sqrt(1.0 + np.pi * CURRENT.difficulty_sd**2 / 8.0)
    mean = np.zeros((len(world.passed), SKILLS))
    for _ in range(12):
        margin = mean @ world.weights.T - world.difficulty + CURRENT.hint_offset * world.rungs
        chance = _sigmoid(flatten * margin)
        pull = flatten * discount * (world.passed - chance) @ world.weights - mean @ inverse
        spread = flatten**2 * discount * chance * (1 - chance)
        curve = np.einsum("pc,ci,cj->pij", spread, world.weights, world.weights) + inverse
        mean = mean + np.linalg.solve(curve, pull[:, :, None])[:, :, 0]
    return Guess(mean=mean, sd=np.sqrt(np.diagonal(np.linalg.inv(curve), axis1=1, axis2=2)))


METHODS = {
    "proportion": guess_by_proportion,
    "elo": guess_by_elo,
    "naive": guess_by_naive,
    "model": guess_by_model,
    "batch": guess_by_batch,
}
ON_LOGITS = frozenset({"elo", "naive", "model", "batch", "mirt"})


def guess_by_mirt(world: World) -> Guess:
    """A package's Rasch model, each skill alone, blind to hints and to authors' difficulties."""
    mean, sd = rasch_by_mirt(world.passed, world.weights)
    return Guess(mean=mean, sd=sd)


def score(guess: Guess, *, skill: Floats, on_logits: bool) -> Row:
    """Compare a guess with the truth: correlation within each skill, error, and coverage."""
    each = [_correlation(guess.mean[:, at], skill[:, at]) for at in range(SKILLS)]
    error = guess.mean - skill
    inside = None if guess.sd is None else np.abs(error) <= HALF_WIDTH * guess.sd
    return {
        "r": round(float(np.mean(each)), 3),
        "rmse": round(float(np.sqrt(np.mean(error**2))), 3) if on_logits else None,
        "cover80": None if inside is None else round(float(inside.mean()), 3),
    }


def _correlation(said: Floats, true: Floats) -> float:
    """Return the correlation; 0 where a method says the same of everybody."""
    return 0.0 if np.ptp(said) == 0.0 else float(np.corrcoef(said, true)[0, 1])


def run(*, people: int, seed: int, packages: bool = False) -> dict[str, dict[str, Row]]:
    """Simulate once and score every method after 6, 12 and 24 scenarios."""
    world = simulate(people=people, seed=seed)
    methods = {**METHODS, "mirt": guess_by_mirt} if packages else METHODS
    return {
        name: {
            str(scenarios): score(
                method(world.first(scenarios)), skill=world.skill, on_logits=name in ON_LOGITS
            )
            for scenarios in CHECKPOINTS
        }
        for name, method in methods.items()
    }


def table(result: Mapping[str, Mapping[str, Row]]) -> str:
    """Render the result for people: correlation / RMSE / coverage of the 80 % interval."""
    lines = ["method      " + "".join(f"{at:>4} scenarios      " for at in CHECKPOINTS)]
    for name, rows in result.items():
        cells = [" / ".join(_cell(value) for value in row.values()) for row in rows.values()]
        lines.append(f"{name:<12}" + "".join(f"{cell:<20}" for cell in cells).rstrip())
    return "\n".join([*lines, "each cell: correlation / RMSE / coverage of the 80 % interval"])


def _cell(value: float | None) -> str:
    return "  - " if value is None else f"{value:.2f}"


def _sigmoid(margin: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-margin))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print a table, or one JSON object with `--json`."""
    parser = argparse.ArgumentParser(prog="estimator", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20260)
    parser.add_argument("--packages", action="store_true", help="ask packages of others as well")
    options = parser.parse_args(argv)
    result = run(people=options.people, seed=options.seed, packages=options.packages)
    print(json.dumps(result) if options.json else table(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
