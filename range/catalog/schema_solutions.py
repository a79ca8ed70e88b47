"""Solutions of a scenario, right and wrong, and what verification asserts about them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from range.catalog.schema_machines import RelativePath
from range.checks.patterns import Regex
from range.checks.spec import (
    TEMPLATED,
    AbsolutePath,
    Conditional,
    Key,
    Line,
    MachineName,
    Mode,
    Spec,
    Text,
)

Account = Annotated[str, StringConstraints(pattern=rf"^([a-z_][a-z0-9_-]{{0,31}}|{TEMPLATED})$")]
Place = Annotated[
    str, StringConstraints(pattern=rf"^([a-z][a-z0-9-]{{0,30}}:/[^\x00\n]+|{TEMPLATED}[^\n]*)$")
]
Expected = Literal["met", "unmet", "any"]
SOLUTION = r"(reference(\.[a-z][a-z0-9-]{0,63})?|wrong\.[a-z][a-z0-9-]{0,63})"


class Handed(Spec):
    """What a step hands in."""

    objective: Key
    """Objective it is for."""
    check: Key | None = None
    """Flag or answer check; the objective's only one when left out."""
    text: Text | None = None
    """The answer itself."""
    source: Annotated[Place | None, Field(alias="from")] = None
    """File that holds it, as `machine:/path`."""
    capture: Regex | None = None
    """Pattern that finds it in the file or in the output of the step before; a flag's own
    form when left out."""


def _as_handed(value: Any) -> Any:
    return {"objective": value} if isinstance(value, str) else value


def _as_lines(value: Any) -> Any:
    is_list = isinstance(value, (list, tuple)) and all(isinstance(line, str) for line in value)
    return "\n".join(value) if is_list else value


Submission = Annotated[Handed, BeforeValidator(_as_handed, json_schema_input_type=Handed | Key)]


class RunStep(Conditional):
    """Commands typed on a machine."""

    on: MachineName
    """Machine."""
    account: Annotated[Account | None, Field(alias="as")] = None
    """Account; that of the machine's console when left out."""
    run: (
        Annotated[Text, BeforeValidator(_as_lines, json_schema_input_type=Text | list[Text])] | None
    ) = None
    """Shell text."""
    script: RelativePath | None = None
    """File of the scenario with shell text, filled in like a template."""
    say: Line = ""
    """What this step does, in words; shown with the last rung of a hint ladder."""
    may_fail: bool = False
    """Whether another exit code than 0 is fine."""
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    """How long it may take."""
    submit: Submission | None = None
    """Hand in what the output holds: an objective's key, or the details."""

    @model_validator(mode="after")
    def _one_source(self) -> "RunStep":
        if (self.run is None) == (self.script is None):
            raise ValueError("give exactly one of run and script")
        return self


class SubmitStep(Conditional):
    """Hand in an answer or a flag."""

    submit: Submission
    """What is handed in."""
    say: Line = ""
    """What this step does, in words."""

    @model_validator(mode="after")
    def _from_somewhere(self) -> "SubmitStep":
        if (self.submit.text is None) == (self.submit.source is None):
            raise ValueError("give exactly one of text and from")
        return self


class PutStep(Conditional):
    """Place a file, as an editor would."""

    on: MachineName
    """Machine."""
    put: RelativePath
    """File of the scenario, filled in like a template."""
    to: AbsolutePath
    """Where it goes."""
    mode: Mode = "0644"
    """Permission bits, in quotes."""
    say: Line = ""
    """What this step does, in words."""


class WaitStep(Conditional):
    """Let time pass."""

    wait_seconds: Annotated[float, Field(gt=0, le=900)]
    """How long."""
    say: Line = ""
    """What is waited for, in words."""


def _step_tag(value: Any) -> str | None:
    def has(name: str) -> bool:
        if isinstance(value, Mapping):
            return name in value
        return getattr(value, name, None) is not None

    if has("run") or has("script"):
        return "run"
    return next((tag for tag in ("put", "wait_seconds", "submit") if has(tag)), None)


Step = Annotated[
    Annotated[RunStep, Tag("run")]
    | Annotated[SubmitStep, Tag("submit")]
    | Annotated[PutStep, Tag("put")]
    | Annotated[WaitStep, Tag("wait_seconds")],
    Discriminator(
        _step_tag,
        custom_error_type="step_shape",
        custom_error_message="expected a step with run, script, put, wait_seconds or submit",
    ),
]
Steps = Annotated[tuple[Step, ...], Field(max_length=60)]


class WrongSolution(Conditional):
    """A plausible solution that must not count."""

    about: Line
    """Why somebody would do this, and why it is not enough."""
    after: tuple[Key, ...] = ()
    """Objectives whose reference is carried out first."""
    steps: Annotated[Steps, Field(min_length=1)]
    """What is done."""
    unmet: Annotated[tuple[Key, ...], Field(min_length=1)]
    """Objectives that must stay unmet."""


class VerifyRun(Conditional):
    """One run of verification in a sandbox of its own."""

    name: Key
    """Name of the run."""
    run: Annotated[str, StringConstraints(pattern=rf"^{SOLUTION}$")] | None = None
    """`reference`, `reference.<objective>` or `wrong.<name>`; nothing is done when left out."""
    wait_seconds: Annotated[float, Field(ge=0, le=900)] = 0
    """How long to wait before looking."""
    submit_from: Literal["other_attempt"] | None = None
    """Hand in another attempt's flags, which must be refused and recognised."""
    expect: dict[Key, Expected | bool] = Field(default_factory=dict)
    """Outcome wanted for `objectives` as a whole or for single ones, and `rejected`."""
    repeat: Annotated[int, Field(ge=1, le=20)] = 1
    """How many times, each with variables of its own."""
