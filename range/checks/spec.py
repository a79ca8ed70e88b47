"""What every check may say in a scenario file, and the value types its fields share."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from range.checks.base import Judgement, Probe
from range.checks.base import Scalar as Scalar

# Something that is filled in per attempt, such as `{{ patient_zero }}`.
TEMPLATED = r"[^\n]*\{\{[^\n]*\}\}[^\n]*"


def _listed(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        key: list(each) if isinstance(each, (list, tuple)) else [each]
        for key, each in value.items()
    }


def _octal_text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError('write permission bits in quotes, such as "0644"')
    return value


VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
CheckId = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9-]{0,63})?$")]
MachineName = Annotated[str, StringConstraints(pattern=rf"^([a-z][a-z0-9-]{{0,30}}|{TEMPLATED})$")]
NetworkName = MachineName
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^(/|\{\{)[^\x00\n]{0,1023}$")]
Mode = Annotated[
    str, BeforeValidator(_octal_text), StringConstraints(pattern=rf"^(0?[0-7]{{3,4}}|{TEMPLATED})$")
]
Text = Annotated[str, StringConstraints(max_length=20_000)]
Line = Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\n]*$")]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Templated = Annotated[str, StringConstraints(pattern=rf"^{TEMPLATED}$", max_length=200)]
Port = Annotated[int, Field(ge=1, le=65535)] | Templated
Endpoint = Annotated[
    str,
    StringConstraints(pattern=rf"^([a-z][a-z0-9.-]{{0,62}}:[0-9]{{1,5}}|{TEMPLATED})$"),
]
Owner = Annotated[int, Field(ge=0, le=2**31)] | Literal["root"] | Templated
When = Annotated[
    dict[VariableName, list[Scalar]],
    BeforeValidator(_listed, json_schema_input_type=dict[VariableName, list[Scalar] | Scalar]),
    Field(max_length=8),
]


class Spec(BaseModel):
    """A part of a scenario file: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True
    )


class Conditional(Spec):
    """A part that may belong to some attempts only."""

    when: When = Field(default_factory=dict)
    """Variables and the values for which this part exists in an attempt; empty: always."""


class SkillWeight(Conditional):
    """An observable skill that an outcome tells about."""

    key: Key
    """Key of the observable skill."""
    weight: Annotated[float, Field(gt=0, le=1)] = 1.0
    """How much of the outcome speaks for this skill, in (0, 1]."""


class CheckSpec(Conditional):
    """What every kind of check may say."""

    id: CheckId = ""
    """Name of the check inside its objective; its kind when left out."""
    role: Literal["required", "supporting"] = "required"
    """A supporting check is recorded and shown, but decides nothing."""
    skills: tuple[SkillWeight, ...] = ()
    """Skills this check observes by itself, in place of the objective's."""
    feedback: Line = ""
    """Sentence a trainee reads while the check is unmet; it must not give the answer."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        """Judge the check through a probe.

        Args:
            objective: Key of the objective, which answers and flags are handed in for.

        Raises:
            ProbeUnavailable: The probe could not look.
        """
        raise NotImplementedError


def owner_id(owner: int | str) -> int:
    """Return the numeric id of an owner as a scenario writes it.

    Raises:
        ValueError: It is neither `root` nor a number.
    """
    return 0 if owner == "root" else int(owner)
