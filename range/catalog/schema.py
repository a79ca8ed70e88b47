"""The scenario file, schema 1: the only definition of what an author may write."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from range.catalog.schema_machines import MachineSpec, Name, NetworkSpec
from range.catalog.schema_objectives import ObjectiveSpec
from range.catalog.schema_policies import (
    AgentSpec,
    FrameworkSpec,
    GradingSpec,
    LifecycleSpec,
    TutorSpec,
    Version,
)
from range.catalog.schema_shorthand import flag_variable_of, written_out
from range.catalog.schema_solutions import Steps, VerifyRun, WrongSolution
from range.catalog.schema_variables import FlagVariable, Variable
from range.checks.combine import leaves
from range.checks.flag import FlagCheck
from range.checks.spec import Key, Spec, VariableName

# Parts of the format that this release reads the names of and refuses.
RESERVED = ("services", "adversary", "injects")

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,48}[a-z0-9]$")]
Sector = Literal[
    "hospital",
    "bank",
    "utility",
    "state-agency",
    "county",
    "logistics",
    "soc",
    "clearinghouse",
    "ai-system",
    "generic",
]
ScenarioMode = Literal["attack", "defend", "investigate", "fix"]


class ScenarioSpec(Spec):
    """A scenario."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    """Version of this format; always 1."""
    id: Slug
    """Stable name; renaming the title breaks nothing."""
    version: Version
    """Version as the author counts."""
    title: Annotated[str, StringConstraints(min_length=3, max_length=160)]
    """What people call it."""
    summary: Annotated[str, StringConstraints(min_length=10, max_length=400)]
    """One or two sentences for the catalogue."""
    sector: Sector = "generic"
    """Kind of organisation it plays in."""
    modes: Annotated[tuple[ScenarioMode, ...], Field(min_length=1, max_length=4)]
    """What a trainee does."""
    difficulty: Annotated[int, Field(ge=1, le=5)]
    """From 1, a first step, to 5."""
    estimated_minutes: Annotated[int, Field(ge=1, le=600)]
    """How long a trainee of that level needs."""
    tags: Annotated[tuple[Key, ...], Field(max_length=20)] = ()
    """Words to find it by."""
    frameworks: dict[Key, FrameworkSpec] = Field(default_factory=dict)
    """Frameworks and versions whose ids it refers to."""
    variables: Annotated[dict[VariableName, Variable], Field(max_length=100)] = Field(
        default_factory=dict
    )
    """Values drawn anew for every attempt."""
    networks: Annotated[dict[Name, NetworkSpec], Field(min_length=1, max_length=8)]
    """Private segments."""
    machines: Annotated[dict[Name, MachineSpec], Field(min_length=1, max_length=12)]
    """Machines."""
    objectives: Annotated[tuple[ObjectiveSpec, ...], Field(min_length=1, max_length=20)]
    """What must be achieved."""
    grading: GradingSpec = GradingSpec()
    """How an attempt is graded."""
    tutor: TutorSpec = TutorSpec()
    """What the tutor may use."""
    agent: AgentSpec = AgentSpec()
    """Whether a program may be a candidate."""
    reference: dict[Key, Steps] = Field(default_factory=dict)
    """Solution by objective, carried out by verification; never placed into a sandbox."""
    wrong: dict[Key, WrongSolution] = Field(default_factory=dict)
    """Plausible solutions that must not count."""
    verify: Annotated[tuple[VerifyRun, ...], Field(max_length=60)] = ()
    """What verification asserts; a full set is made from reference and wrong when left out."""
    lifecycle: LifecycleSpec = LifecycleSpec()
    """How long a sandbox lives."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_reserved(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            for name in RESERVED:
                if value.get(name):
                    raise PydanticCustomError(
                        "reserved",
                        "the part {key} belongs to the format but is not yet supported",
                        {"key": name},
                    )
            return written_out({k: v for k, v in value.items() if k not in RESERVED})
        return value

    @model_validator(mode="after")
    def _flags_belong_together(self) -> "ScenarioSpec":
        used = set(self.flag_variables())
        declared = {n for n, v in self.variables.items() if isinstance(v, FlagVariable)}
        if stranger := sorted(used - declared):
            raise ValueError(
                f"a flag check stands for the variable {stranger[0]!r}, which is not declared "
                "under variables with type: flag"
            )
        return self

    def objective(self, key: str) -> ObjectiveSpec:
        """Return an objective by its key.

        Raises:
            KeyError: No objective has that key.
        """
        for objective in self.objectives:
            if objective.key == key:
                return objective
        raise KeyError(key)

    def flag_variables(self) -> dict[str, str]:
        """Return the objective that each flag variable proves; empty once filled in."""
        named = [
            (flag_variable_of(check.value), objective.key)
            for objective, check in self._flag_checks()
            if "{{" in check.value
        ]
        return {name: self._flag_objective(name) or key for name, key in named}

    def _flag_objective(self, variable: str) -> str | None:
        declared = self.variables.get(variable)
        return declared.objective if isinstance(declared, FlagVariable) else None

    def _flag_checks(self) -> Iterator[tuple[ObjectiveSpec, FlagCheck]]:
        for objective in self.objectives:
            for check in leaves(objective.checks):
                if isinstance(check, FlagCheck):
                    yield objective, check
