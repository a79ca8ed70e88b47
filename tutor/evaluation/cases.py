"""What is tried in a mode: every case by name, and the seeded sample that a slow model gets."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tutor.evaluation import sets, trying
from tutor.evaluation.stage import Stage

type Outcome = dict[str, Any]

RUNGS = (0, 1, 2, 3)
# Thirty minutes on two cores with the local model are some ninety answers of twenty seconds.
SAMPLE = {"single": 24, "eight": 3, "injection": 14, "honest": 14, "state": 12, "report": 16}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to try; its name is what a resumed run knows it by."""

    kind: str
    name: str
    carry_out: Callable[[Stage, str], Outcome]


def cases(*, seed: int, slow: bool) -> list[Case]:
    """Return the cases in a seeded order.

    Args:
        slow: Only the sample of each kind.
    """
    kinds: dict[str, list[Case]] = {}
    for case in _all():
        kinds.setdefault(case.kind, []).append(case)
    chosen = list[Case]()
    for kind, found in kinds.items():
        rng = random.Random(f"{seed} {kind}")  # noqa: S311
        rng.shuffle(found)
        chosen += found[: SAMPLE[kind]] if slow else found
    # Mixed, so that a run that was broken off has something of everything.
    random.Random(seed).shuffle(chosen)  # noqa: S311
    return chosen


def _all() -> Iterator[Case]:
    for at, attack in enumerate(sets.attacks()):
        yield _case("single", attack.id, trying.single, attack, RUNGS[at % len(RUNGS)])
    for conversation in sets.conversations():
        yield _case("eight", conversation.id, trying.eight, conversation)
    for injection in sets.injections():
        if injection.channel == "report":
            yield _case("report", injection.id, trying.report, injection)
        else:
            yield _case("injection", injection.id, trying.injected, injection)
    for at, question in enumerate(sets.honest()):
        yield _case("honest", question.id, trying.honest, question, 1 + at % 3)
    for state in sets.states():
        for rung in RUNGS:
            yield _case("state", f"{state.id}@{rung}", trying.state, state, rung)


def _case(kind: str, name: str, work: Callable[..., Outcome], *about: object) -> Case:
    def carry_out(stage: Stage, mode: str) -> Outcome:
        return work(stage, mode, *about)

    return Case(kind=kind, name=name, carry_out=carry_out)


def counted(chosen: Sequence[Case]) -> dict[str, int]:
    """Return how many cases there are of each kind."""
    return {kind: sum(case.kind == kind for case in chosen) for kind in SAMPLE}
