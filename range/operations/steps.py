"""What a start does once before the roles run, and skips while nothing it depends on changed."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from range.lib.errors import RangeError


class StepFailed(RangeError):
    """A step of the start failed; the message says which, why, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="setup", status=500)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One management command that a start depends on.

    Args:
        title: What it does, for the person who waits.
        command: Arguments for manage.py.
        inputs: Patterns, relative to the clone, of the files that its outcome depends on.
        advice: What to do when it fails.
        demo: Whether it is left out without demo accounts.
        optional: Whether the range starts without it, and tries again next time.
        fetches: Whether it is left out when nothing may be fetched.
        beside: Whether the steps after it need not wait for its end.
    """

    title: str
    command: tuple[str, ...]
    inputs: tuple[str, ...]
    advice: str
    demo: bool = False
    optional: bool = False
    fetches: bool = False
    beside: bool = False


DATABASE_ADVICE = "Check that the database answers: .venv/bin/python manage.py doctor."
STEPS = (
    Step(
        title="Bring the database up to date",
        command=("migrate", "--no-input", "--verbosity", "1"),
        inputs=("range/*/migrations/*.py", "tutor/migrations/*.py"),
        advice=DATABASE_ADVICE,
    ),
    Step(
        title="Load work roles and skills",
        command=("load_starter_frameworks",),
        inputs=("range/competencies/**/*",),
        advice=DATABASE_ADVICE,
    ),
    Step(
        title="Publish the scenarios",
        command=("publish_scenarios",),
        inputs=("range/catalog/*.py", "range/checks/*.py", "scenarios/**/*"),
        advice="Ask what is wrong with them: .venv/bin/python manage.py check_scenarios.",
    ),
    Step(
        title="Fetch the tutor's word list",
        command=("fetch_weights", "--tokenizer"),
        inputs=("tutor/providers/weights.py",),
        advice="Until it is here the tutor finds passages by words alone.",
        optional=True,
        fetches=True,
    ),
    Step(
        title="Read the tutor's knowledge",
        command=("ingest_knowledge",),
        inputs=("tutor/*.py", "tutor/knowledge/**/*", "scenarios/*/knowledge/*"),
        advice="Without it the tutor shows the authors' hints only.",
        optional=True,
        beside=True,
    ),
    Step(
        title="Build the base image and the first scenario",
        command=("run_builder", "--once", "sudo-says"),
        inputs=("range/runtime/base_image/*", "scenarios/sudo-says/**/*"),
        advice="Check the engine and the package mirror: 'docker version', 'apt-get update'.",
    ),
    Step(
        title="Make the demo accounts",
        command=("create_demo",),
        inputs=("range/accounts/demo.py", "scenarios/*/scenario.yaml"),
        advice=DATABASE_ADVICE,
        demo=True,
    ),
)


@dataclass(frozen=True)
class _Started:
    step: Step
    digest: str
    process: "subprocess.Popen[bytes]"
    log: Path
    at: float


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs steps in order and remembers what they depended on.

    Args:
        fingerprint: Names the database; another one makes every step due again.
        environment: What each command's process gets.
        output: Where progress is told.
    """

    base: Path
    fingerprint: str
    environment: Mapping[str, str]
    output: TextIO

    def run(self, steps: Iterable[Step]) -> None:
        """Run every step that is due.

        Raises:
            StepFailed: One failed; the later ones were not tried.
        """
        beside: list[_Started] = []
        try:
            for step in steps:
                digest = self._digest(step)
                if self._stamp(step).is_file() and self._stamp(step).read_text() == digest:
                    continue
                started = self._start(step, digest)
                if step.beside:
                    beside.append(started)
                else:
                    self._finish(started)
            for started in beside:
                self._finish(started)
        finally:
            for started in beside:
                started.process.kill()
                started.process.wait()

    def _start(self, step: Step, digest: str) -> "_Started":
        log = self.base / "var" / "log" / f"setup-{step.command[0]}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *step.command],
                cwd=self.base,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        return _Started(step, digest, process, log, time.monotonic())

    def _finish(self, started: "_Started") -> None:
        """Wait for a step's end, tell how long it took, and remember that it is done.

        Raises:
            StepFailed: It failed, and the range cannot start without it.
        """
        step = started.step
        self.output.write(f"  {step.title:<46} ")
        self.output.flush()
        code = started.process.wait()
        seconds = time.monotonic() - started.at
        if code == 0:
            self.output.write(f"{seconds:4.0f} s\n")
            self._stamp(step).parent.mkdir(parents=True, exist_ok=True)
            self._stamp(step).write_text(started.digest)
            return
        self.output.write(f"failed after {seconds:.0f} s\n")
        if not step.optional:
            raise StepFailed(
                f"'{step.title}' failed:\n\n{tail(started.log)}\n\n{step.advice}\n"
                f"Then run bin/up again; it goes on from here. The whole output lies in "
                f"{started.log}."
            )
        self.output.write(f"    {tail(started.log, lines=1)}\n    {step.advice}\n")

    def _stamp(self, step: Step) -> Path:
        return self.base / "var" / "stamps" / f"step-{step.command[0]}"

    def _digest(self, step: Step) -> str:
        parts = hashlib.sha256(self.fingerprint.encode())
        parts.update("\0".join(step.command).encode())
        files = {path for pattern in step.inputs for path in self.base.glob(pattern)}
        for path in sorted(files):
            if path.is_file() and path.suffix != ".pyc":
                parts.update(str(path.relative_to(self.base)).encode())
                parts.update(path.read_bytes())
        return parts.hexdigest()


def tail(path: Path, *, lines: int = 25) -> str:
    """Return the end of a text file; empty where there is none."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
