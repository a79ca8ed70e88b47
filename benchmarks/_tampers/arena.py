"""Machines that tampers are tried on, and how what became of them is judged."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from pydantic import TypeAdapter

from benchmarks._tampers.case import Case, Tamper
from benchmarks._tampers.code import liar
from range.assessment.probes import SandboxProbe
from range.assessment.runner import combined, judge_objectives
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.base import Outcome
from range.runtime.docker_engine import DockerDriver
from range.runtime.driver import Handle
from range.runtime.images import build_image
from range.runtime.options import DriverOptions, current
from range.runtime.topology import Console, Machine, Network, SeedFile, Topology

KITS = ("kit.py", "kit_sql.py", "kit_ssh.py")
LAN = "lan"
HAND = "/opt/hand"
MACHINES = ("box", "friend", "third")
# Each is the check's whole round, as the checker makes them while somebody works.
ROUNDS = 3
_OBJECTIVE: TypeAdapter[ObjectiveSpec] = TypeAdapter(ObjectiveSpec)


class Blunt(Exception):
    """A tamper that deceives nobody, or a case that is none: the suite is wrong, not the check."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What became of one tamper.

    Args:
        outcomes: Of the objective, a round each.
        is_work: Whether it is no tamper but the work itself.
    """

    kind: str
    case: str
    tamper: str
    outcomes: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    is_work: bool = False

    @property
    def is_false(self) -> bool:
        """Tell whether the work counted as done in any round."""
        return Outcome.MET.value in self.outcomes


def image_of(folder: str) -> str:
    """Return the image that is built from a folder beside this file, or the base image."""
    if not folder:
        return current().base_image
    return build_image(Path(__file__).with_name(folder), name=f"tampers-{folder}")


def topology(folder: str = "") -> Topology:
    """Return the trainee's two machines, both theirs as root, and one that nobody enters."""
    image = image_of(folder)
    files = (
        *(
            SeedFile(path=f"/opt/{name}", data=Path(__file__).with_name(name).read_bytes())
            for name in KITS
        ),
        SeedFile(path="/opt/liar.so", data=liar(), mode=0o755),
    )

    def machine(name: str) -> Machine:
        return Machine(
            name=name,
            image=image,
            networks=(LAN,),
            console=None if name == "third" else Console(user="nobody"),
            allow_privilege_gain=True,
            files=files,
        )

    return Topology(machines=tuple(map(machine, MACHINES)), networks=(Network(name=LAN),))


@dataclass
class Arena:
    """One sandbox, whose box is made anew for each tamper."""

    driver: DockerDriver
    handle: Handle
    folder: str = ""
    dirty: set[str] = field(default_factory=lambda: set(MACHINES))

    def run(self, machine: str, script: str, *, seconds: float = 30) -> tuple[int, str]:
        """Carry a script out as root; return its exit code and what it said."""
        if not script.strip():
            return 0, ""
        self.dirty.add(machine)
        # The machine's shell is one of the tools that tampers replace.
        command = [HAND, "-c", self._named(script)]
        told = self.driver.exec(self.handle, machine, command, timeout=timedelta(seconds=seconds))
        return told.exit_code, (told.stdout + told.stderr).decode(errors="replace")[-400:]

    def fresh(self, folder: str = "") -> None:
        """Make what was touched anew, and all where another image is asked for."""
        if folder != self.folder:
            self.folder, self.dirty = folder, set(MACHINES)
        made = topology(folder)
        for name in sorted(self.dirty):
            deadline = datetime.now(UTC) + timedelta(minutes=1)
            self.handle = self.driver.reset(self.handle, name, topology=made, deadline=deadline)
            self.driver.exec(self.handle, name, ["/bin/cp", "/bin/bash", HAND])
        self.dirty.clear()

    def broken(self, case: Case) -> None:
        """Make the box as a trainee finds it."""
        self.fresh(case.image)
        code, said = self.run("box", case.broken)
        if code != 0:
            raise Blunt(f"{case.name} cannot be set up: {said}")

    def judged(self, case: Case, deceit: Tamper | None = None, *, rounds: int = 1) -> Tried:
        """Judge an objective of this one check, as the checker would."""
        given: Case | Tamper = deceit or case
        spec = {"id": "it", **case.check}
        objective = _OBJECTIVE.validate_python(
            {"key": "task", "title": "Task", "weight": 100, "checks": spec}
        )
        submissions = {} if given.handed_in is None else {("task", "it"): given.handed_in}
        outcomes: list[str] = []
        reasons: list[str] = []
        for _ in range(rounds):
            probe = SandboxProbe(
                self.driver,
                self.handle,
                submissions=submissions,
                transcript=lambda: given.commands,
                events=lambda: given.happened,
                assets=lambda path, filled: (case.assets or {})[path],
            )
            if outcomes and deceit is not None:
                time.sleep(deceit.pause_seconds)
            found = judge_objectives([objective], probe, skip_kinds=frozenset())
            outcomes.append(combined([objective], found)["task"].outcome.value)
            reasons.append(found["task", "it"].reason)
        return Tried(
            kind=case.kind,
            case=case.name,
            tamper=deceit.name if deceit else "",
            outcomes=tuple(outcomes),
            reasons=tuple(reasons),
        )

    def tried(self, case: Case, deceit: Tamper, *, rounds: int = ROUNDS) -> Tried:
        """Carry out a tamper, prove that it works, and judge.

        Raises:
            Blunt: It deceives nobody.
        """
        if deceit.aside:
            # What the host has fixed at an earlier look would blunt it.
            self.dirty.add("friend")
        self.broken(case)
        for machine, script in (("box", deceit.run), ("friend", deceit.aside)):
            code, said = self.run(machine, script)
            if code != 0:
                raise Blunt(f"{case.name}: {deceit.name} cannot be carried out: {said}")
        code, said = self.run(deceit.bites_on, deceit.bites)
        if code != 0:
            raise Blunt(f"{case.name}: {deceit.name} deceives nobody: {said}")
        return self.judged(case, deceit, rounds=rounds)

    def honest(self, case: Case) -> tuple[Tried, ...]:
        """Judge before and after an honest trainee's work, where there is any.

        Raises:
            Blunt: The work cannot be done.
        """
        self.broken(case)
        nothing = Case(name=case.name, check=case.check, tampers=(), assets=case.assets)
        before = self.judged(nothing)
        if not (case.solved or case.happened or case.handed_in):
            return (before,)
        code, said = self.run("box", case.solved)
        if code != 0:
            raise Blunt(f"{case.name} cannot be solved: {said}")
        after = self.judged(case, rounds=ROUNDS)
        return before, replace(after, is_work=True)

    def _named(self, script: str) -> str:
        for name, machine in self.handle.machines.items():
            script = script.replace(f"@{name}@", machine.addresses[LAN])
        return script.replace("@last@", self.peer)

    @property
    def peer(self) -> str:
        """Address that a trainee may have seen a grader come from."""
        return self.handle.machines["box"].addresses[LAN].rpartition(".")[0] + ".14"


@contextmanager
def arena() -> Iterator[Arena]:
    """Start the sandbox, and remove it whatever happens."""
    driver = DockerDriver(DriverOptions(installation=f"tamper-{secrets.token_hex(4)}"))
    deadline = datetime.now(UTC) + timedelta(minutes=2)
    try:
        yield Arena(driver=driver, handle=driver.start(uuid4(), topology(), deadline=deadline))
    finally:
        for handle in list(driver.running()):
            driver.stop(handle)
        driver.engine.close()
