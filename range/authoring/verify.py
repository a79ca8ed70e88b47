"""Verifies a scenario on real machines: fresh, wrong, reference, and another attempt's flag.

The same checks and the same probe judge here as in an attempt; no row is needed.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from range.assessment.probes import SandboxProbe
from range.assessment.runner import combined, judge_objectives
from range.authoring.image_lint import image_problems
from range.authoring.images import build_images
from range.authoring.plan import PlannedRun, VariantNeverDrawn, attempt_with, plan
from range.authoring.recorded import RecordedConsoles, recorded
from range.authoring.solving import Solver, rest_watched
from range.authoring.verification import (
    Checks,
    Follower,
    RunResult,
    Stopped,
    Verification,
    reasons_of,
)
from range.authoring.witness import Witness
from range.catalog import flags
from range.catalog.lint import lint
from range.catalog.problems import ScenarioInvalid, Severity
from range.catalog.reader import LoadedScenario, read_scenario
from range.catalog.rendering import rendered
from range.catalog.schema import ScenarioSpec
from range.catalog.topology_builder import build_topology
from range.catalog.variables import Values
from range.checks.base import Happening, Judgement, Outcome
from range.checks.combine import leaves
from range.checks.flag import FlagCheck
from range.lib import clock
from range.lib.errors import RangeError
from range.runtime.driver import Driver, Handle

START_LIMIT = timedelta(minutes=3)
# Verification draws its own variables: no real attempt's secret is needed, nor made.
SECRET = b"muster/verification"
UNMINTED = "FLAG{" + "A" * 52 + "}"
type Build = Callable[[ScenarioSpec, Path], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Verifies scenarios with one driver.

    Args:
        build: Returns the image tag of each machine, building what is missing.
        parallel: Sandboxes at once.
        follower: Told how far it is.
        record_in: Folder for recordings; then solutions are typed on consoles.
    """

    driver: Driver
    build: Build = build_images
    parallel: int = 2
    follower: Follower = field(default_factory=Follower)
    record_in: Path | None = None

    def verify(
        self, folder: Path, *, only: Callable[[PlannedRun], bool] | None = None
    ) -> Verification:
        """Verify one scenario's folder; never raises for what is wrong with the scenario.

        Args:
            only: Which runs to do; all when None.
        """
        began = time.monotonic()
        try:
            loaded = read_scenario(folder)
            errors = [each for each in lint(loaded) if each.severity is Severity.ERROR]
            if errors:
                raise ScenarioInvalid(errors)
            images = self.build(loaded.spec, folder)
            leaks = [
                each for each in image_problems(loaded, images) if each.severity is Severity.ERROR
            ]
            if leaks:
                raise ScenarioInvalid(leaks)
        except RangeError as error:
            return Verification(
                id=folder.name, error=error.message, seconds=time.monotonic() - began
            )
        runs = [run for run in plan(loaded.spec) if only is None or only(run)]
        self.follower.planned(runs)
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="verify") as pool:
            results = list(pool.map(lambda run: self._told(loaded, images, run), runs))
        done = tuple(result for result in results if result is not None)
        return Verification(
            id=loaded.spec.id,
            digest=loaded.digest,
            runs=done,
            seconds=time.monotonic() - began,
            stopped=len(done) < len(runs),
        )

    def _told(
        self, loaded: LoadedScenario, images: Mapping[str, str], run: PlannedRun
    ) -> RunResult | None:
        """Do one run; None where it was not wanted to its end."""
        if self.follower.is_stopped():
            return None
        self.follower.began(run)
        began = time.monotonic()
        try:
            self._go_on()
            found, checks = self._run(loaded, images, run)
            differences = _differences(run.expected, found, checks)
        except Stopped:
            return None
        except (RangeError, VariantNeverDrawn) as error:
            if self.follower.is_stopped():
                # Its machines may have been taken away under it.
                return None
            found, checks, differences = {}, {}, (str(error),)
        result = RunResult(
            name=run.label,
            expected=run.expected,
            found=found,
            seconds=time.monotonic() - began,
            differences=differences,
            checks=checks,
        )
        self.follower.ended(run, result)
        return result

    def _go_on(self) -> None:
        if self.follower.is_stopped():
            raise Stopped

    def _rest(self, duration: timedelta) -> None:
        rest_watched(duration, go_on=self._go_on)

    def _run(
        self, loaded: LoadedScenario, images: Mapping[str, str], run: PlannedRun
    ) -> tuple[dict[str, str], Checks]:
        attempt_id, values = attempt_with(loaded.spec, SECRET, run.variant)
        spec = rendered(loaded.spec, values)
        if run.solution == "foreign-flag":
            return _foreign_flags(self.driver, spec, attempt_id)
        topology = build_topology(
            spec,
            assets=loaded.assets,
            images=images,
            values=values,
        )
        handle = self.driver.start(uuid4(), topology, deadline=clock.now() + START_LIMIT)
        try:
            return self._in_sandbox(loaded, spec, values, handle, run)
        finally:
            self.driver.stop(handle)

    def _in_sandbox(
        self,
        loaded: LoadedScenario,
        spec: ScenarioSpec,
        values: Values,
        handle: Handle,
        run: PlannedRun,
    ) -> tuple[dict[str, str], Checks]:
        with self._consoles(handle, spec.id, run) as consoles:
            solver = Solver(self.driver, handle, spec, loaded.assets, values, consoles=consoles)
            witness = Witness(spec, lambda: self._probe(handle, solver, ()))
            solver.after_step, solver.rest = partial(self._after_step, witness), self._rest
            witness.begin()
            if run.solution == "reference":
                solver.reference(run.target)
            elif run.solution == "wrong":
                solver.wrong(run.target)
        if run.wait_seconds:
            self._rest(timedelta(seconds=run.wait_seconds))
        return _judged(spec, self._probe(handle, solver, witness.events))

    def _after_step(self, witness: Witness) -> None:
        self._go_on()
        witness.look()

    def _probe(self, handle: Handle, solver: Solver, events: Sequence[Happening]) -> SandboxProbe:
        return SandboxProbe(
            self.driver,
            handle,
            submissions=solver.submissions,
            events=lambda: events,
            assets=solver.asset,
        )

    def _consoles(
        self, handle: Handle, slug: str, run: PlannedRun
    ) -> AbstractContextManager[RecordedConsoles | None]:
        if self.record_in is None:
            return nullcontext()
        name = re.sub(r"[^a-z0-9]+", "-", run.label.lower()).strip("-")
        return recorded(self.driver, handle, self.record_in / slug / name)


def _judged(spec: ScenarioSpec, probe: SandboxProbe) -> tuple[dict[str, str], Checks]:
    judgements = judge_objectives(spec.objectives, probe, skip_kinds=frozenset())
    outcomes = combined(spec.objectives, judgements)
    found: dict[str, str] = {}
    checks: dict[str, dict[str, Judgement]] = {}
    for objective in spec.objectives:
        mine = {
            check.id: judgements[objective.key, check.id]
            for check in leaves(objective.checks)
            if check.role == "required"
        }
        outcome = outcomes[objective.key].outcome
        # Words are judged by people: for a program, a report that waits for them is all there is.
        if outcome is Outcome.INCONCLUSIVE and _only_waits(mine.values()):
            outcome = Outcome.MET
        found[objective.key] = outcome.value.lower()
        checks[objective.key] = mine
    return found, checks


def _only_waits(judgements: Iterable[Judgement]) -> bool:
    unclear = [each for each in judgements if each.outcome is Outcome.INCONCLUSIVE]
    return all(each.reason == "awaits-judgement" for each in unclear)


def _foreign_flags(
    driver: Driver, spec: ScenarioSpec, attempt_id: UUID
) -> tuple[dict[str, str], Checks]:
    """Hand in another attempt's flags, one from after a reset, and one nobody minted."""
    found: dict[str, str] = {}
    checks: dict[str, dict[str, Judgement]] = {}
    for objective, check in _flag_checks(spec):
        other = uuid4()
        foreign = flags.mint(SECRET, other, objective, 1)
        finding = flags.examine(SECRET, foreign, objectives=[objective])
        recognised = finding.attempt_id == other and finding.proves(objective)
        tried = (foreign, flags.mint(SECRET, attempt_id, objective, 2), UNMINTED)
        accepted = [flag for flag in tried if _is_accepted(driver, check, objective, flag)]
        found[objective] = "met" if accepted or not recognised else "unmet"
        accepted_one = Judgement(outcome=Outcome.MET, score=1.0, reason="foreign-flag-accepted")
        checks[objective] = {check.id: accepted_one} if found[objective] == "met" else {}
    return found, checks


def _is_accepted(driver: Driver, check: FlagCheck, objective: str, flag: str) -> bool:
    probe = SandboxProbe(driver, None, submissions={(objective, check.id): flag})
    return check.judge(probe, objective=objective).outcome is not Outcome.UNMET


def _flag_checks(spec: ScenarioSpec) -> Iterator[tuple[str, FlagCheck]]:
    for objective in spec.objectives:
        for check in leaves(objective.checks):
            if isinstance(check, FlagCheck):
                yield objective.key, check


def _differences(
    expected: Mapping[str, str], found: Mapping[str, str], checks: Checks
) -> tuple[str, ...]:
    reasons = reasons_of(checks)
    return tuple(
        f"{key}: expected {wanted}, found {found.get(key, 'nothing')}: {reasons.get(key, '')}"
        for key, wanted in expected.items()
        if wanted != "any" and found.get(key) != wanted
    )
