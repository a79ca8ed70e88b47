"""Objectives of a scenario: what must be achieved, how it is judged, and help on the way."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from range.checks.combine import Node, Partial
from range.checks.spec import Conditional, Key, SkillWeight, Spec, Text

TECHNIQUE = r"^[a-z][a-z0-9-]*:[A-Za-z][A-Za-z0-9.-]*$"
TechniqueId = Annotated[str, StringConstraints(pattern=TECHNIQUE)]


class HintSpec(Conditional):
    """One rung of an objective's ladder of help."""

    rung: Annotated[int, Field(ge=1, le=4)]
    """1 orients, 2 explains, 3 names the technique, 4 is the answer."""
    text: Text | None = None
    """What the trainee reads."""
    source: Annotated[Literal["reference"] | None, Field(alias="from")] = None
    """Written from the objective's reference solution; for rung 4 only."""

    @model_validator(mode="after")
    def _one_source(self) -> "HintSpec":
        if (self.text is None) == (self.source is None):
            raise ValueError("give exactly one of text and from")
        if self.source is not None and self.rung != 4:
            raise ValueError("only rung 4 may come from the reference")
        return self


class ObjectiveSpec(Spec):
    """What must be achieved."""

    key: Key
    """Name that stays the same across versions."""
    title: Annotated[str, StringConstraints(min_length=3, max_length=200)]
    """What the trainee reads in the list of objectives."""
    description: Text = ""
    """A sentence or two more, in Markdown."""
    mode: Literal["attack", "defend", "investigate", "fix"] | None = None
    """Which of the scenario's modes it belongs to."""
    weight: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Its share of the grade, relative to the other objectives."""
    checks: Node
    """One check, or a combinator of several."""
    partial: Partial = "none"
    """Whether an unmet objective scores the share of its checks that is met."""
    skills: Annotated[tuple[SkillWeight, ...], Field(max_length=20)] = ()
    """Skills its outcome tells about, for every required check that names none itself."""
    techniques: tuple[TechniqueId, ...] = ()
    """Techniques it is about, with their framework, such as attack:T1548.003."""
    hints: Annotated[tuple[HintSpec, ...], Field(max_length=80)] = ()
    """The ladder of help."""
