"""What a scenario says about frameworks, grading, the tutor, agents and its life."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from range.checks.spec import Key, Spec

Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]
FrameworkId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/*-]{0,119}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class FrameworkSpec(Spec):
    """What the scenario touches in one version of one framework."""

    version: Version
    """Release of the framework the ids below belong to."""
    work_roles: tuple[FrameworkId, ...] = ()
    """Work roles the scenario exercises."""
    competency_areas: tuple[FrameworkId, ...] = ()
    """Competency areas."""
    statements: tuple[FrameworkId, ...] = ()
    """Task, knowledge and skill statements."""
    techniques: tuple[FrameworkId, ...] = ()
    """Techniques, for frameworks of attacks and defences."""


class PassSpec(Spec):
    """What it takes to pass."""

    share: Share = 0.7
    """Share of the weighted objectives."""
    required: tuple[Key, ...] = ()
    """Objectives that must be met whatever the share."""


class GradingSpec(Spec):
    """How an attempt is graded."""

    passing: Annotated[PassSpec, Field(alias="pass")] = PassSpec()
    """What it takes to pass."""
    time_limit_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    """When an assessed attempt ends; the sandbox's own limit when left out."""


class TutorSpec(Spec):
    """What the tutor may use."""

    knowledge: tuple[Glob, ...] = ("knowledge/*.md",)
    """Articles of the scenario that the tutor may cite."""
    max_rung: Annotated[int, Field(ge=0, le=4)] = 4
    """Highest rung of help."""
    never_reveal: tuple[Literal["secrets", "reference", "future_steps"], ...] = (
        "secrets",
        "reference",
        "future_steps",
    )
    """What is kept from every prompt; leaving one out is an error."""

    @model_validator(mode="after")
    def _nothing_left_out(self) -> "TutorSpec":
        if len(set(self.never_reveal)) < 3:
            raise ValueError("never_reveal must name secrets, reference and future_steps")
        return self


class AgentSpec(Spec):
    """Whether a program may be a candidate, and its budget."""

    allowed: bool = True
    """Whether a program may attempt it."""
    wall_clock_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """Time it has."""
    actions: Annotated[int, Field(ge=1, le=100_000)] = 400
    """Commands it may type."""


class LifecycleSpec(Spec):
    """How long a sandbox lives."""

    idle_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    """Its machines are paused when nobody had a page or console of it open for this time."""
    limit_minutes: Annotated[int, Field(ge=5, le=1440)] = 120
    """It is stopped after this time in any case, unless extended."""
    extend_minutes: Annotated[int, Field(ge=0, le=480)] = 30
    """How much one extension adds; 0 allows none."""
    extensions: Annotated[int, Field(ge=0, le=20)] = 2
    """How often it may be extended."""
