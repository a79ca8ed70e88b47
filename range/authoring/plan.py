"""Plans a scenario's verification: which sandboxes, with what done in them, and what must hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID, uuid4

from range.catalog.rendering import applies, variants
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_solutions import Expected, VerifyRun
from range.catalog.variables import draw
from range.checks.combine import leaves
from range.checks.spec import Scalar

# Drawing at random finds the rarest of this many variants sooner than that, almost surely.
DRAWS_LIMIT = 5_000
Solution = Literal["nothing", "reference", "wrong", "foreign-flag"]


class VariantNeverDrawn(Exception):
    """No attempt drew the wanted combination of choices."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One sandbox of verification, or none for flags.

    Args:
        variant: Choices the attempt must have drawn.
        solution: What is carried out, `target` naming the objective or the wrong solution.
        expected: Outcome wanted by objective key.
    """

    name: str
    variant: Mapping[str, Scalar] = field(default_factory=dict)
    solution: Solution = "nothing"
    target: str = ""
    wait_seconds: float = 0
    expected: Mapping[str, Expected] = field(default_factory=dict)
    number: int = 1

    @property
    def label(self) -> str:
        """Return a name that tells this run from all others."""
        drawn = ",".join(f"{name}={value}" for name, value in self.variant.items())
        return (
            self.name
            + (f"[{drawn}]" if drawn else "")
            + (f"#{self.number}" if self.number > 1 else "")
        )


def plan(spec: ScenarioSpec) -> list[PlannedRun]:
    """Return every run, for each variant that attempts may draw."""
    return [run for variant in variants(spec) for run in _of_variant(spec, variant)]


def attempt_with(
    spec: ScenarioSpec, secret: bytes, variant: Mapping[str, Scalar]
) -> tuple[UUID, dict[str, Scalar]]:
    """Return an attempt that draws a variant, with its values.

    Raises:
        VariantNeverDrawn: None of many attempts drew it.
    """
    for _ in range(DRAWS_LIMIT):
        attempt_id = uuid4()
        values = draw(spec, secret, attempt_id, epoch=1)
        if variant.items() <= values.items():
            return attempt_id, values
    raise VariantNeverDrawn(f"no attempt of {DRAWS_LIMIT} drew {dict(variant)}")


def _of_variant(spec: ScenarioSpec, variant: Mapping[str, Scalar]) -> Iterator[PlannedRun]:
    written = spec.verify or tuple(_standard(spec, several=len(variants(spec)) > 1))
    for run in written:
        if not applies(run.when, variant):
            continue
        if run.run is not None and not _exists(spec, run.run, variant):
            continue
        for number in range(1, run.repeat + 1):
            yield _planned(spec, run, variant, number)


def _standard(spec: ScenarioSpec, *, several: bool) -> Iterator[VerifyRun]:
    """Return the runs of a scenario whose author wrote none."""
    yield VerifyRun(name="fresh", expect={"objectives": "unmet"})
    for name, wrong in spec.wrong.items():
        yield VerifyRun(
            name=f"wrong-{name}",
            run=f"wrong.{name}",
            expect=dict.fromkeys(wrong.unmet, "unmet"),
        )
    # With several variants each is solved once; otherwise two attempts differ in what they draw.
    yield VerifyRun(
        name="reference", run="reference", expect={"objectives": "met"}, repeat=1 if several else 2
    )
    if spec.flag_variables():
        yield VerifyRun(name="foreign-flag", submit_from="other_attempt", expect={"rejected": True})


def _planned(
    spec: ScenarioSpec, run: VerifyRun, variant: Mapping[str, Scalar], number: int
) -> PlannedRun:
    kind, _, target = (run.run or "nothing").partition(".")
    solutions: dict[str, Solution] = {
        "nothing": "nothing",
        "reference": "reference",
        "wrong": "wrong",
    }
    return PlannedRun(
        name=run.name,
        variant=variant,
        solution="foreign-flag" if run.submit_from else solutions[kind],
        target=target,
        wait_seconds=run.wait_seconds,
        expected=_expected(spec, run),
        number=number,
    )


def _expected(spec: ScenarioSpec, run: VerifyRun) -> dict[str, Expected]:
    if run.submit_from:
        return {
            objective.key: "unmet"
            for objective in spec.objectives
            if any(check.kind == "flag" for check in leaves(objective.checks))
        }
    wanted: dict[str, Expected] = {}
    everything = run.expect.get("objectives")
    for objective in spec.objectives:
        value = run.expect.get(objective.key, everything)
        if isinstance(value, str):
            wanted[objective.key] = value
    return wanted


def _exists(spec: ScenarioSpec, run: str, variant: Mapping[str, Scalar]) -> bool:
    """Tell whether a solution belongs to the variant."""
    kind, _, name = run.partition(".")
    if kind != "wrong":
        return True
    wrong = spec.wrong.get(name)
    return wrong is not None and applies(wrong.when, variant)
