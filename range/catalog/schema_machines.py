"""Machines and networks of a scenario: what is built, placed, widened and asked for health."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from range.checks.spec import (
    TEMPLATED,
    AbsolutePath,
    Conditional,
    Line,
    Mode,
    NetworkName,
    Port,
    Spec,
    Text,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]


def _inside(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/") or "//" in value:
        raise ValueError("expected a path inside the scenario's folder")
    return value


RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,200}$"), AfterValidator(_inside)
]
OwnerName = Annotated[
    str,
    StringConstraints(pattern=rf"^([a-z_][a-z0-9_-]{{0,31}}|\d{{1,9}}(:\d{{1,9}})?|{TEMPLATED})$"),
]
Argv = Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)]
# Everything that reaches the host's kernel settings, devices, modules or mounts stays out of
# reach, whatever the reason.
Capability = Literal[
    "DAC_READ_SEARCH",
    "IPC_LOCK",
    "LEASE",
    "LINUX_IMMUTABLE",
    "NET_ADMIN",
    "SETFCAP",
    "SETPCAP",
    "SYS_NICE",
    "SYS_PTRACE",
]


def _image_name(value: str) -> str:
    if not re.fullmatch(IMAGE_NAME, value):
        raise ValueError(
            "expected the name of an image that an operator of the range allowed, such as "
            "web-server; images of a registry or of the engine cannot be named"
        )
    return value


# With a digest behind it where a publication has bound the name to a content.
IMAGE_NAME = r"[a-z][a-z0-9-]{0,46}(@[0-9a-f]{64})?"
ImageName = Annotated[
    str,
    AfterValidator(_image_name),
    Field(json_schema_extra={"pattern": f"^{IMAGE_NAME}$"}),
]


def _as_step(value: Any) -> Any:
    return {"run": value} if isinstance(value, (list, tuple)) else value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class SeedSpec(Conditional):
    """A file placed into a machine before it starts."""

    template: RelativePath | None = None
    """File of the scenario whose `{{ variables }}` are filled in."""
    file: RelativePath | None = None
    """File of the scenario that is copied as it is."""
    text: Text | None = None
    """Content written here; `{{ variables }}` are filled in."""
    to: AbsolutePath
    """Where it goes."""
    mode: Mode = "0644"
    """Permission bits, in quotes."""
    owner: Annotated[
        OwnerName, BeforeValidator(_as_text, json_schema_input_type=OwnerName | int)
    ] = "root"
    """Account, or numbers as `uid` or `uid:gid`."""

    @model_validator(mode="after")
    def _one_source(self) -> "SeedSpec":
        given = [each for each in (self.template, self.file, self.text) if each is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of template, file, text")
        return self

    @property
    def source(self) -> str | None:
        """Return the file of the scenario it is made from, if any."""
        return self.template or self.file


class SetupStep(Conditional):
    """A command run once as root after the start, before health is asked."""

    run: Argv
    """Program and arguments; no shell reads them."""


class HealthSpec(Spec):
    """When a machine counts as ready."""

    tcp: Port | None = None
    """Port that must accept a connection."""
    http: Line | None = None
    """Address inside the machine that must answer with a status below 400."""
    command: Argv | None = None
    """Command that must end with exit code 0."""
    within_seconds: Annotated[int, Field(ge=1, le=300)] = 30
    """How long it may take."""

    @model_validator(mode="after")
    def _one_question(self) -> "HealthSpec":
        given = [each for each in (self.tcp, self.http, self.command) if each is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of tcp, http, command")
        return self


class ResourceSpec(Spec):
    """How much a machine may use."""

    cpu_cores: Annotated[float, Field(gt=0, le=4)] = 0.5
    """Share of processor time, in cores."""
    memory_mb: Annotated[int, Field(ge=32, le=4096)] = 256
    """Memory and swap together, in MiB."""
    pids: Annotated[int, Field(ge=16, le=1024)] = 128
    """Processes and threads at once."""
    disk_mb: Annotated[int, Field(ge=16, le=8192)] = 512
    """What the machine may write to its disk, in MiB."""


class SecuritySpec(Spec):
    """Widening of the hardened profile; each needs a reason."""

    add_capabilities: Annotated[tuple[Capability, ...], Field(max_length=4)] = ()
    """Capabilities beyond the base profile."""
    allow_privilege_gain: bool = False
    """Whether setuid programs such as sudo work."""
    reason: Annotated[str, StringConstraints(min_length=12, max_length=400)]
    """Why the exercise needs it."""


class ConsoleSpec(Spec):
    """How a trainee enters a machine."""

    user: AccountName
    """Account the shell runs as."""


class ViewSpec(Spec):
    """A web page of a machine that trainees may open beside their terminals."""

    port: Port = 80
    """Port on which the machine serves it over plain HTTP, on its primary network."""
    title: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\n]+$")]
    """What its tab is called."""
    path: Annotated[str, StringConstraints(pattern=r"^/[!-~]{0,199}$")] = "/"
    """Where it opens."""


class MachineSpec(Spec):
    """One machine."""

    build: RelativePath | None = None
    """Folder with its Dockerfile; the plain base image when this and `image` are left out."""
    image: ImageName | None = None
    """Image of the range's catalogue, allowed by an operator; instead of `build`."""
    networks: Annotated[tuple[NetworkName, ...], Field(min_length=1, max_length=4)]
    """Segments it joins, the primary one first."""
    title: Line = ""
    """What trainees call it."""
    console: ConsoleSpec | None = None
    """Given when trainees may open a console on it."""
    view: ViewSpec | None = None
    """Given when trainees may open its web page in the workspace."""
    hidden: bool = False
    """Whether trainees are not told that it exists."""
    aliases: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    """Further names other machines know it by."""
    environment: dict[str, Text] = Field(default_factory=dict)
    """Environment of its first process. Never put a secret here: every process can read it."""
    accounts: dict[AccountName, Annotated[int, Field(ge=0, le=2**31)]] = Field(default_factory=dict)
    """Numbers of the accounts its image holds, so that seeds may name owners."""
    seed: Annotated[tuple[SeedSpec, ...], Field(max_length=200)] = ()
    """Files placed before it starts."""
    setup: Annotated[
        tuple[
            Annotated[
                SetupStep, BeforeValidator(_as_step, json_schema_input_type=SetupStep | Argv)
            ],
            ...,
        ],
        Field(max_length=60),
    ] = ()
    """Commands run once as root after it starts; each a list of program and arguments."""
    healthy: HealthSpec | None = None
    """When it counts as ready; at once when left out."""
    resources: ResourceSpec = ResourceSpec()
    """Limits."""
    security: SecuritySpec | None = None
    """Widening of the hardened profile."""
    stronger_runtime: bool = False
    """Whether it runs under the operator's stronger runtime, such as gVisor, where there is one;
    nothing in it may need sudo or raw sockets then."""

    @model_validator(mode="after")
    def _one_way(self) -> "MachineSpec":
        if self.stronger_runtime and self.security is not None:
            raise ValueError("a machine with stronger_runtime cannot have security: one or other")
        if self.build is not None and self.image is not None:
            raise ValueError("a machine has build or image, not both")
        return self


class NetworkSpec(Spec):
    """A private segment; it has no route out of the sandbox."""

    hidden: bool = False
    """Whether trainees are not told that it exists."""
    console: bool = False
    """Whether machines with a console must join it; lint compares."""
    title: Line = ""
    """What trainees call it."""
