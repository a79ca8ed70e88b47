"""The tree of an objective's checks, and how judgements combine into one outcome."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from range.checks.base import Judgement, Outcome
from range.checks.kinds import Check
from range.checks.spec import Conditional, SkillWeight, Spec

Partial = Literal["none", "proportional"]


def _tag(value: Any) -> str | None:
    if isinstance(value, Mapping):
        if "kind" in value:
            return "check"
        return next((tag for tag in ("all_of", "any_of", "at_least") if tag in value), None)
    combinators: dict[type, str] = {AllOf: "all_of", AnyOf: "any_of", AtLeast: "at_least"}
    return combinators.get(type(value), "check")


# Lazily evaluated, because combinators hold nodes in turn.
type Node = Annotated[
    Annotated[AllOf, Tag("all_of")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[AtLeast, Tag("at_least")]
    | Annotated[Check, Tag("check")],
    Discriminator(
        _tag,
        custom_error_type="check_shape",
        custom_error_message="expected a check with a kind, or one of all_of, any_of, at_least",
    ),
]
type Nodes = Annotated[tuple[Node, ...], Field(min_length=1, max_length=40)]


class AllOf(Conditional):
    """Met when every required part is."""

    all_of: Nodes
    """Parts."""


class AnyOf(Conditional):
    """Met when at least one required part is."""

    any_of: Nodes
    """Parts."""


class Enough(Spec):
    """How many of which parts."""

    n: Annotated[int, Field(ge=1, le=40)]
    """How many must be met."""
    of: Nodes
    """Parts."""

    @model_validator(mode="after")
    def _reachable(self) -> "Enough":
        if self.n > len(self.of):
            raise ValueError(f"n is {self.n}, but there are only {len(self.of)} parts")
        return self


class AtLeast(Conditional):
    """Met when at least n required parts are."""

    at_least: Enough
    """How many of which parts."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One thing an attempt told about skills; several checks may be one observation.

    Args:
        check_ids: Checks it rests on.
    """

    outcome: Outcome
    score: float
    skills: tuple[SkillWeight, ...]
    check_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Combined:
    """An objective's outcome."""

    outcome: Outcome
    score: float
    observations: tuple[Observation, ...] = ()


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of a combinator; a check has none."""
    if isinstance(node, AllOf):
        return node.all_of
    if isinstance(node, AnyOf):
        return node.any_of
    return node.at_least.of if isinstance(node, AtLeast) else ()


def leaves(node: Node) -> Iterator[Check]:
    """Yield every check of a tree, in the order written."""
    if isinstance(node, (AllOf, AnyOf, AtLeast)):
        for child in children(node):
            yield from leaves(child)
    else:
        yield node


def combine(
    node: Node,
    judgements: Mapping[str, Judgement],
    *,
    partial: Partial = "none",
    skills: Sequence[SkillWeight] = (),
) -> Combined:
    """Combine the judgements of a tree; a check without one is INCONCLUSIVE.

    An INCONCLUSIVE part decides nothing where the others already do, and otherwise makes the
    whole INCONCLUSIVE: it is never counted against the trainee.

    Args:
        judgements: By check id.
        partial: Whether an unmet objective scores the share that is met.
        skills: The objective's skills, for checks that name none.
    """
    total = _judged(node, judgements) or _nothing()
    return Combined(
        outcome=total.outcome,
        score=_score(total, partial),
        observations=tuple(_observations(node, judgements, partial, tuple(skills))),
    )


def _observations(
    node: Node,
    judgements: Mapping[str, Judgement],
    partial: Partial,
    skills: tuple[SkillWeight, ...],
) -> Iterator[Observation]:
    required = [check for check in leaves(node) if check.role == "required"]
    own = {check.id: check for check in required if check.skills}
    for check in own.values():
        judged = judgements.get(check.id) or _nothing()
        yield Observation(
            outcome=judged.outcome,
            score=_score(judged, partial),
            skills=check.skills,
            check_ids=(check.id,),
        )
    rest = tuple(check.id for check in required if not check.skills)
    joint = _judged(node, judgements, without=frozenset(own))
    if rest and skills and joint is not None:
        yield Observation(
            outcome=joint.outcome, score=_score(joint, partial), skills=skills, check_ids=rest
        )


def _judged(
    node: Node, judgements: Mapping[str, Judgement], *, without: frozenset[str] = frozenset()
) -> Judgement | None:
    """Judge a node over its required checks; None when it holds none."""
    if not isinstance(node, (AllOf, AnyOf, AtLeast)):
        if node.role != "required" or node.id in without:
            return None
        return judgements.get(node.id) or _nothing()
    parts = [
        judged
        for child in children(node)
        if (judged := _judged(child, judgements, without=without)) is not None
    ]
    if not parts:
        return None
    needed = len(parts)
    if isinstance(node, AnyOf):
        needed = 1
    elif isinstance(node, AtLeast):
        needed = min(node.at_least.n, len(parts))
    return _counted(parts, needed)


def _counted(parts: Sequence[Judgement], needed: int) -> Judgement:
    met = sum(part.outcome is Outcome.MET for part in parts)
    open_ = sum(part.outcome is Outcome.INCONCLUSIVE for part in parts)
    known = sorted((p.score for p in parts if p.outcome is not Outcome.INCONCLUSIVE), reverse=True)
    share = sum(known[:needed]) / min(needed, len(known)) if known else 0.0
    if met >= needed:
        return Judgement(outcome=Outcome.MET, score=1.0, reason="combined")
    outcome = Outcome.INCONCLUSIVE if met + open_ >= needed else Outcome.UNMET
    return Judgement(outcome=outcome, score=share, reason="combined")


def _score(judged: Judgement, partial: Partial) -> float:
    if judged.outcome is Outcome.MET:
        return judged.score
    return judged.score if partial == "proportional" else 0.0


def _nothing() -> Judgement:
    return Judgement(outcome=Outcome.INCONCLUSIVE, score=0.0, reason="not-judged")
