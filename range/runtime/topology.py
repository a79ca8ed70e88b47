"""What a sandbox consists of: machines, networks and limits, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Resources of one machine.

    Args:
        cpu_cores: Share of processor time, in cores.
        memory_mb: Memory and swap together, in MiB.
        pids: Processes and threads at once.
        disk_mb: Writable layer at which the watchdog stops the machine, in MiB.
    """

    cpu_cores: float = 0.5
    memory_mb: int = 256
    pids: int = 128
    disk_mb: int = 512


@dataclass(frozen=True, kw_only=True)
class SeedFile:
    """A per-attempt file placed before a machine starts.

    Args:
        path: Absolute path inside the machine.
        data: Content, already rendered; may hold secrets, never logged.
        mode: Permission bits, such as 0o600.
        uid: Numeric owner.
        gid: Numeric group.
    """

    path: str
    data: bytes = field(repr=False)
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, kw_only=True)
class Console:
    """How a trainee enters a machine.

    Args:
        user: Account the login shell runs as.
    """

    user: str


@dataclass(frozen=True, kw_only=True)
class Health:
    """When a machine counts as ready; asked from inside the machine's network namespace.

    Args:
        kind: `tcp` connects, `http` wants a status below 400, `command` wants exit code 0.
        target: `port`, URL, or the command's argv joined with NUL.
        within: Deadline after the machine's start.
    """

    kind: Literal["tcp", "http", "command"]
    target: str
    within: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One container of a sandbox.

    Args:
        name: Name inside the sandbox, also its host name and its name in the sandbox's DNS.
        image: Tag of a built image.
        networks: Names of the networks it joins, the first one being primary.
        hidden: Whether trainees see that it exists.
        add_capabilities: Widening beyond the base profile; a scenario gives the reason.
        allow_privilege_gain: Whether setuid programs such as sudo work.
        stronger_runtime: Whether it runs under the operator's stronger runtime where there is one.
        setup: Commands run once as root after the start, before health is asked.
        aliases: Further names in the sandbox's DNS.
    """

    name: str
    image: str
    networks: tuple[str, ...]
    console: Console | None = None
    hidden: bool = False
    limits: Limits = Limits()
    environment: Mapping[str, str] = field(default_factory=dict)
    add_capabilities: frozenset[str] = frozenset()
    allow_privilege_gain: bool = False
    stronger_runtime: bool = False
    files: tuple[SeedFile, ...] = ()
    setup: tuple[tuple[str, ...], ...] = ()
    health: Health | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Network:
    """A private segment of a sandbox; it has no route out of it.

    Args:
        name: Name inside the sandbox.
        hidden: Whether trainees see that it exists.
    """

    name: str
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Everything a driver must start for one sandbox.

    Args:
        labels: Extra labels for containers and networks, such as attempt and epoch.
    """

    machines: tuple[Machine, ...]
    networks: tuple[Network, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    def machine(self, name: str) -> Machine:
        """Return the machine called `name`.

        Raises:
            KeyError: No machine has that name.
        """
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise KeyError(name)
