"""The sandboxes that probes run in: an attacker with a peer, and a neighbour of theirs."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from range.lib import clock
from range.runtime import docker_spec
from range.runtime.containment import attacks
from range.runtime.driver import Driver, ExecResult, Handle
from range.runtime.options import current
from range.runtime.topology import Limits, Machine, Network, Topology

ATTACKER, PEER, NEIGHBOUR, GLUTTON = "attacker", "peer", "neighbour", "glutton"
LAN = "lan"
PIDS_LIMIT = 64
_LIMITS = Limits(memory_mb=160, pids=PIDS_LIMIT, cpu_cores=1.0)
_HEARD = "/tmp/heard"  # noqa: S108
_DEADLINE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Ear:
    """A listener in a machine.

    Args:
        card: Hardware address of the machine's card.
    """

    handle: Handle
    machine: str
    port: int
    card: str

    @property
    def address(self) -> str:
        """Return the machine's address."""
        return self.handle.machines[self.machine].addresses[LAN]


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Two started sandboxes: the attacker's own, and another trainee's."""

    driver: Driver
    own: Handle
    other: Handle

    def attack(
        self, program: str, *words: str, machine: str = ATTACKER, seconds: float = 20
    ) -> ExecResult:
        """Run a program as root of a machine of the attacker's sandbox."""
        argv = ["python3", "-c", program, *words]
        return self._run(self.own, machine, argv, seconds=seconds)

    def told(self, program: str, *words: str, machine: str = ATTACKER) -> dict[str, Any]:
        """Run a program and return the JSON object it says; empty if it says none."""
        return _object(self.attack(program, *words, machine=machine).stdout)

    def listen(self, handle: Handle, machine: str) -> Ear | None:
        """Start a listener in a machine; None if it does not listen."""
        argv = ["python3", "-c", attacks.LISTENER, _HEARD]
        said = _object(self._run(handle, machine, argv).stdout)
        if not said:
            return None
        return Ear(handle=handle, machine=machine, port=int(said["port"]), card=str(said["card"]))

    def heard(self, ear: Ear | None) -> bytes:
        """Return all that arrived at a listener."""
        if ear is None:
            return b""
        return self.driver.read_file(ear.handle, ear.machine, _HEARD) or b""

    def visit(self, ear: Ear, word: str) -> bool:
        """Say a word to a listener from where it may be reached: a peer on its own network."""
        try:
            with self.driver.connect(ear.handle, LAN, ear.machine, ear.port) as connection:
                connection.sendall(word.encode())
        except OSError:
            return False
        return True

    @property
    def bridge(self) -> str:
        """Return the host's card of the attacker's network."""
        return docker_spec.bridge_name(self.own.sandbox_id, LAN)

    @property
    def other_bridge(self) -> str:
        """Return the host's card of the neighbour's network."""
        return docker_spec.bridge_name(self.other.sandbox_id, LAN)

    def _run(
        self, handle: Handle, machine: str, argv: list[str], *, seconds: float = 20
    ) -> ExecResult:
        return self.driver.exec(handle, machine, argv, timeout=timedelta(seconds=seconds))


@contextmanager
def started(driver: Driver, *, everything: bool) -> Iterator[Rig]:
    """Start the sandboxes, and remove them whatever happens.

    Args:
        everything: Whether there is also a machine that may be filled to its limits.

    Raises:
        LaunchFailed: They could not be started.
    """
    own = _topology(ATTACKER, PEER, *([GLUTTON] if everything else []))
    deadline = clock.now() + _DEADLINE
    handles = []
    with ThreadPoolExecutor(2, thread_name_prefix="probe") as threads:
        try:
            starting = [
                threads.submit(driver.start, uuid4(), topology, deadline=deadline)
                for topology in (own, _topology(NEIGHBOUR))
            ]
            errors = [error for each in starting if (error := each.exception())]
            handles = [each.result() for each in starting if not each.exception()]
            if errors:
                raise errors[0]
            yield Rig(driver=driver, own=handles[0], other=handles[1])
        finally:
            list(threads.map(driver.stop, handles))


def _topology(*names: str) -> Topology:
    machines = (
        Machine(name=name, image=current().base_image, networks=(LAN,), limits=_LIMITS)
        for name in names
    )
    return Topology(machines=tuple(machines), networks=(Network(name=LAN),))


def _object(said: bytes) -> dict[str, Any]:
    try:
        value = json.loads(said)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
