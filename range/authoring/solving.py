"""Carries out a scenario's solutions in a running sandbox, as a trainee would."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from range.authoring.recorded import RecordedConsoles
from range.catalog.flags import FLAG_PATTERN
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_solutions import Handed, PutStep, RunStep, Step, SubmitStep, WaitStep
from range.catalog.topology_builder import scenario_file
from range.catalog.variables import Values
from range.checks.combine import leaves
from range.checks.patterns import PatternTooCostly, captured
from range.lib import clock
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.runtime.driver import Driver, ExecResult, Handle

_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*(\x07|\x1b\\)|[@-Z\\-_])")
SHOWN_CHARACTERS = 600
LOOK_SECONDS = 0.5


class StepFailed(RangeError):
    """A step of a solution could not be carried out; the message says which and how it ended."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="solution-step", status=500)


@dataclass
class Solver:
    """Carries out steps in one sandbox and remembers what they handed in.

    Args:
        spec: The attempt's scenario, filled in.
        assets: Files of the scenario, for scripts and files that steps place.
        submissions: Last answer by objective and check.
        consoles: Where steps are typed; without them each is an `exec` of its own.
        after_step: Called after each step, so that somebody may look.
        rest: Waits where a solution does.
    """

    driver: Driver
    handle: Handle
    spec: ScenarioSpec
    assets: Mapping[str, Any]
    values: Values
    submissions: dict[tuple[str, str], str] = field(default_factory=dict)
    consoles: RecordedConsoles | None = None
    after_step: Callable[[], None] = lambda: None
    rest: Callable[[timedelta], None] = clock.sleep
    _output: str = ""

    def reference(self, objective: str = "") -> None:
        """Carry out the reference of an objective, or of all in the order written.

        Raises:
            StepFailed: A step could not be carried out.
        """
        keys = [objective] if objective else [each.key for each in self.spec.objectives]
        for key in keys:
            self._all(self.spec.reference.get(key, ()), name=f"reference.{key}")

    def wrong(self, name: str) -> None:
        """Carry out a wrong solution, after the references it builds on.

        Raises:
            StepFailed: A step could not be carried out.
        """
        wrong = self.spec.wrong[name]
        for objective in wrong.after:
            self.reference(objective)
        self._all(wrong.steps, name=f"wrong.{name}")

    def _all(self, steps: Iterable[Step], *, name: str) -> None:
        for number, step in enumerate(steps, start=1):
            where = f"{name}, step {number}"
            if isinstance(step, RunStep):
                self._run(step, where)
            elif isinstance(step, PutStep):
                self._put(step)
            elif isinstance(step, WaitStep):
                self.rest(timedelta(seconds=step.wait_seconds))
            else:
                self._submit(step, where)
            self.after_step()

    def _run(self, step: RunStep, where: str) -> None:
        console = self.spec.machines[step.on].console
        account = step.account or (console.user if console else "root")
        text = step.run if step.run is not None else self._file(str(step.script))
        result = self._carried_out(step, account, text)
        self._output = _readable(result.stdout + b"\n" + result.stderr)
        if result.timed_out:
            raise StepFailed(f"{where}: not done after {step.timeout_seconds} s.{self._shown()}")
        if result.exit_code != 0 and not step.may_fail:
            ended = f"{where}: ended with {result.exit_code} as {account} on {step.on}."
            raise StepFailed(ended + self._shown())
        if step.submit is not None:
            self._hand_in(step.submit, self._output, where)

    def _carried_out(self, step: RunStep, account: str, text: str) -> ExecResult:
        within = timedelta(seconds=step.timeout_seconds)
        if self.consoles is not None:
            return self.consoles.run(step.on, account, text, within=within)
        argv = ["/bin/bash", "-c", f"set -e\n{text}"]
        return self.driver.exec(self.handle, step.on, argv, user=account, timeout=within)

    def _put(self, step: PutStep) -> None:
        data = self._file(step.put).encode()
        self.driver.put_file(self.handle, step.on, step.to, data, mode=int(step.mode, 8))

    def _submit(self, step: SubmitStep, where: str) -> None:
        handed = step.submit
        if handed.text is not None:
            self._hand_in(handed, handed.text, where)
            return
        machine, _, path = str(handed.source).partition(":")
        data = self.driver.read_file(self.handle, machine, path)
        if data is None:
            raise StepFailed(f"{where}: there is no file {handed.source}.")
        self._hand_in(handed, storable(data.decode(errors="replace")), where)

    def _hand_in(self, handed: Handed, text: str, where: str) -> None:
        check = self._check_of(handed, where)
        if handed.capture is not None:
            value = _captured(handed.capture, text, where)
        elif check[1]:
            found = FLAG_PATTERN.search(text)
            value = found.group(0) if found else None
        else:
            value = text.strip() or None
        if value is None:
            raise StepFailed(f"{where}: nothing to hand in was found.{self._shown()}")
        self.submissions[handed.objective, check[0]] = value

    def _check_of(self, handed: Handed, where: str) -> tuple[str, bool]:
        """Return the id of the check handed in for, and whether it is a flag."""
        checks = [
            check
            for check in leaves(self.spec.objective(handed.objective).checks)
            if check.kind in ("flag", "answer") and handed.check in (None, check.id)
        ]
        if len(checks) != 1:
            raise StepFailed(
                f"{where}: {handed.objective} has {len(checks)} checks to hand in for; "
                "name one under check."
            )
        return checks[0].id, checks[0].kind == "flag"

    def asset(self, path: str, filled: bool) -> bytes:
        """Return a file of the scenario, filled in or as it is.

        Raises:
            TopologyInvalid: There is none.
            TemplateInvalid: It cannot be filled in.
        """
        return scenario_file(self.assets, path, self.values, filled=filled)

    def _file(self, path: str) -> str:
        return self.asset(path, filled=True).decode()

    def _shown(self) -> str:
        shown = self._output.strip()[-SHOWN_CHARACTERS:]
        return f"\n{shown}" if shown else ""


def rest_watched(duration: timedelta, *, go_on: Callable[[], None]) -> None:
    """Wait as the clock does, and let `go_on` look now and then whether that is still wanted."""
    left = duration.total_seconds()
    while left > 0:
        go_on()
        slice_seconds = min(left, LOOK_SECONDS)
        clock.sleep(timedelta(seconds=slice_seconds))
        left -= slice_seconds


def _captured(pattern: str, text: str, where: str) -> str | None:
    try:
        return captured(pattern, text)
    except PatternTooCostly as error:
        raise StepFailed(
            f"{where}: the pattern under capture takes too long on what was printed. Write one "
            "that repeats less."
        ) from error


def _readable(output: bytes) -> str:
    return storable(_ESCAPES.sub("", output.decode("utf-8", errors="replace")).replace("\r", ""))
