"""A sandbox of an author's own: built, started, judged, and made anew where files change."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

from range.assessment.probes import SandboxProbe
from range.assessment.runner import combined, judge_objectives
from range.authoring.images import build_images
from range.authoring.plan import attempt_with
from range.authoring.solving import Solver, rest_watched
from range.authoring.witness import Witness
from range.catalog.lint import lint
from range.catalog.problems import ScenarioInvalid, Severity
from range.catalog.reader import LoadedScenario, read_scenario
from range.catalog.rendering import rendered
from range.catalog.schema import ScenarioSpec
from range.catalog.topology_builder import build_topology, scenario_file
from range.catalog.variables import Values, draw
from range.checks.answer import AnswerCheck
from range.checks.base import Judgement
from range.checks.combine import leaves
from range.checks.flag import FlagCheck
from range.checks.spec import Scalar
from range.lib import clock
from range.lib.errors import RangeError
from range.runtime.driver import Driver, Handle, MachineLook
from range.runtime.topology import Machine, Topology

START_LIMIT = timedelta(minutes=3)
type Build = Callable[[ScenarioSpec, Path], Mapping[str, str]]


class NotUp(RangeError):
    """The sandbox asked about does not run at this moment."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing runs at this moment. Mend what was told last and save; it starts by itself.",
            reason="trial-not-up",
            status=409,
        )


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What bringing the sandbox up to date did.

    Args:
        machines: Those that were started anew, in the order of the file.
        seconds: From looking at the files to healthy machines.
    """

    machines: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An objective's outcome, with each of its checks."""

    objective: str
    outcome: str
    checks: Mapping[str, Judgement]


class Trial:
    """One sandbox for one folder; whatever its author saves, it keeps what was drawn for it.

    Args:
        variant: Choices that must have been drawn.
        build: Returns the image tag of each machine, building what is missing.

    Attributes:
        full: Machines that were ended for their disks, by container, as they were then.
    """

    def __init__(
        self,
        driver: Driver,
        folder: Path,
        *,
        variant: Mapping[str, Scalar] | None = None,
        build: Build = build_images,
    ) -> None:
        self.driver, self.folder = driver, folder
        self._build, self._variant = build, dict(variant or {})
        self._secret = secrets.token_bytes()
        self._attempt_id = uuid4()
        self._loaded: LoadedScenario | None = None
        self._handle: Handle | None = None
        self._running: dict[str, Machine] = {}
        self._topology: Topology | None = None
        self._witness: Witness | None = None
        self.full: dict[str, MachineLook] = {}
        self.values: Values = {}
        self.submissions: dict[tuple[str, str], str] = {}

    @property
    def handle(self) -> Handle:
        """Return where it runs.

        Raises:
            NotUp: It does not.
        """
        if self._handle is None:
            raise NotUp
        return self._handle

    @property
    def spec(self) -> ScenarioSpec:
        """Return the scenario as it was filled in for this sandbox.

        Raises:
            NotUp: It was never read.
        """
        if self._loaded is None:
            raise NotUp
        return rendered(self._loaded.spec, self.values)

    def refresh(self) -> Ready:
        """Make the sandbox what the files say now; only machines that differ start anew.

        Raises:
            ScenarioInvalid: The files cannot be used; what runs goes on.
            RangeError: An image could not be built or a machine not started; the rest goes on.
            VariantNeverDrawn: No attempt draws the wanted choices.
        """
        began = time.monotonic()
        loaded = read_scenario(self.folder)
        errors = [each for each in lint(loaded) if each.severity is Severity.ERROR]
        if errors:
            raise ScenarioInvalid(errors)
        values = self._drawn(loaded)
        images = self._build(loaded.spec, self.folder)
        spec = rendered(loaded.spec, values)
        topology = build_topology(spec, assets=loaded.assets, images=images, values=values)
        self._loaded, self.values = loaded, values
        machines = self._brought_up(topology)
        if self._witness is None:
            self._witness = Witness(spec, self._probe)
            self._witness.begin()
        self._witness.spec = spec
        return Ready(machines=machines, seconds=time.monotonic() - began)

    def renew(self) -> Ready:
        """Start everything anew as another attempt, with values of its own.

        Raises:
            RangeError: As `refresh`; nothing runs then.
        """
        self.stop()
        self._attempt_id = uuid4()
        self.submissions.clear()
        self._witness = None
        return self.refresh()

    def choose(self, variant: Mapping[str, Scalar]) -> None:
        """Say which choices must have been drawn, from the next start on."""
        self._variant = dict(variant)

    def forget(self, machine: str) -> None:
        """Have the next refresh start a machine anew, whether or not its files differ."""
        self._running.pop(machine, None)

    def stop(self) -> None:
        """Remove everything of it; nothing running is success."""
        handle, self._handle = self._handle, None
        self._running.clear()
        if handle is not None:
            self.driver.stop(handle)

    def judge(self) -> list[Judged]:
        """Run every check as in an attempt.

        Raises:
            NotUp: Nothing runs.
        """
        objectives = self.spec.objectives
        if self._witness is not None:
            self._witness.look()
        probe = self._probe()
        found = judge_objectives(objectives, probe, skip_kinds=frozenset())
        outcomes = combined(objectives, found)
        return [
            Judged(
                objective=each.key,
                outcome=outcomes[each.key].outcome.value,
                checks={check: judged for (key, check), judged in found.items() if key == each.key},
            )
            for each in objectives
        ]

    def _probe(self) -> SandboxProbe:
        assets = self._loaded.assets if self._loaded is not None else {}
        events = self._witness.events if self._witness is not None else []
        return SandboxProbe(
            self.driver,
            self.handle,
            submissions=self.submissions,
            events=lambda: events,
            assets=lambda path, filled: scenario_file(assets, path, self.values, filled=filled),
        )

    def hand_in(self, text: str) -> list[str]:
        """Hand a text in for every flag and answer that it is right for; return the objectives.

        Where it is right for none, it counts as the last answer to all.
        """
        probes = {
            (key, check.id): SandboxProbe(
                self.driver, None, submissions={(key, check.id): text.strip()}
            )
            for key, check in self._handed_in()
        }
        right = [
            (key, check.id)
            for key, check in self._handed_in()
            if check.judge(probes[key, check.id], objective=key).outcome.value == "MET"
        ]
        self.submissions |= dict.fromkeys(right or list(probes), text.strip())
        return sorted({key for key, _ in right})

    def solve(self, *, go_on: Callable[[], None] = lambda: None) -> None:
        """Carry out the reference of every objective.

        Args:
            go_on: Asked after each step and while one waits; what it raises ends the steps.

        Raises:
            StepFailed: A step could not be carried out.
            NotUp: Nothing runs.
        """
        assets = self._loaded.assets if self._loaded else {}
        solver = Solver(
            self.driver, self.handle, self.spec, assets, self.values, submissions=self.submissions
        )
        solver.rest = partial(rest_watched, go_on=go_on)
        solver.after_step = partial(self._after_step, go_on)
        solver.reference()

    def _after_step(self, go_on: Callable[[], None]) -> None:
        go_on()
        if self._witness is not None:
            self._witness.look()

    def _handed_in(self) -> Iterator[tuple[str, FlagCheck | AnswerCheck]]:
        for objective in self.spec.objectives:
            for check in leaves(objective.checks):
                if isinstance(check, (FlagCheck, AnswerCheck)):
                    yield objective.key, check

    def _drawn(self, loaded: LoadedScenario) -> dict[str, Scalar]:
        values = draw(loaded.spec, self._secret, self._attempt_id, epoch=1)
        if not self._variant.items() <= values.items():
            self._attempt_id, values = attempt_with(loaded.spec, self._secret, self._variant)
        return values

    def _brought_up(self, topology: Topology) -> tuple[str, ...]:
        if self._handle is None or _frame(topology) != _frame(self._topology):
            self.stop()
            self._topology = topology
            deadline = clock.now() + START_LIMIT
            self._handle = self.driver.start(uuid4(), topology, deadline=deadline)
            self._running = {machine.name: machine for machine in topology.machines}
            return tuple(self._running)
        changed = [each for each in topology.machines if self._running.get(each.name) != each]
        for machine in changed:
            # Until it stands, the next save tries it again.
            self._running.pop(machine.name, None)
            self._handle = self.driver.reset(
                self._handle, machine.name, topology=topology, deadline=clock.now() + START_LIMIT
            )
            self._running[machine.name] = machine
        self._topology = topology
        return tuple(machine.name for machine in changed)


def _frame(topology: Topology | None) -> object:
    """Return what cannot change while machines run: networks, who joins them, and names."""
    if topology is None:
        return None
    joined = {(each.name, each.networks, each.aliases) for each in topology.machines}
    return frozenset(topology.networks), frozenset(joined)
