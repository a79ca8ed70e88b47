"""What pages show of a verification: run by run, check by check, bounded whatever it finds."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from range.authoring.plan import PlannedRun
from range.authoring.verification import Follower, RunResult
from range.lib.storable import storable_data

# More runs than this are counted, and shown only where they differ.
RUNS_SHOWN = 200
DIFFERING_SHOWN = 40
EXCERPT_CHARACTERS = 240
DIFFERENCE_CHARACTERS = 600
# Trainees' launches come first, but a run waits no longer than this for them.
LONGEST_HOLD_SECONDS = 120.0


class Progress(Follower):
    """Gathers what several threads tell; one other thread reads it and writes the row."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, dict[str, Any]] = {}
        self._text = "Preparing the machines' images"
        self.stop = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.is_new = True

    def planned(self, runs: Sequence[PlannedRun]) -> None:
        """Take note of the runs that are to be done."""
        with self._lock:
            self._text, self.is_new = "", True
            for run in runs:
                expected = {key: wanted for key, wanted in run.expected.items() if wanted != "any"}
                self._runs[run.label] = {"state": "waiting", "expected": expected}

    def began(self, run: PlannedRun) -> None:
        """Take note that a run begins, once no trainee waits for a sandbox."""
        limit = time.monotonic() + LONGEST_HOLD_SECONDS
        while not self.go.wait(0.5) and time.monotonic() < limit and not self.is_stopped():
            continue
        with self._lock:
            self._runs[run.label]["state"] = "running"
            self.is_new = True

    def ended(self, run: PlannedRun, result: RunResult) -> None:
        """Take note of what a run showed."""
        shown = storable_data(_shown(result))
        with self._lock:
            self._runs[run.label] |= shown
            self.is_new = True

    def is_stopped(self) -> bool:
        """Tell whether nothing more is wanted."""
        return self.stop.is_set()

    def as_json(self) -> dict[str, Any]:
        """Return what is known now, and remember that it was read."""
        with self._lock:
            self.is_new = False
            runs = [{"name": name, **facts} for name, facts in self._runs.items()]
            text = self._text
        states = [run["state"] for run in runs]
        differing = [run for run in runs if run["state"] == "differs"]
        listed = runs if len(runs) <= RUNS_SHOWN else differing[:RUNS_SHOWN]
        full = {id(run) for run in differing[:DIFFERING_SHOWN]}
        return {
            "text": text,
            "total": len(runs),
            "done": sum(state in ("as-expected", "differs") for state in states),
            "differing": len(differing),
            "runs": [run if id(run) in full else _brief(run) for run in listed],
        }


def _shown(result: RunResult) -> dict[str, Any]:
    return {
        "state": "as-expected" if result.is_as_expected else "differs",
        "seconds": round(result.seconds, 1),
        "found": dict(result.found),
        "differences": [each[:DIFFERENCE_CHARACTERS] for each in result.differences],
        "checks": {
            objective: [
                {
                    "id": check,
                    "outcome": judged.outcome.value,
                    "reason": judged.reason,
                    "excerpt": judged.excerpt[:EXCERPT_CHARACTERS],
                }
                for check, judged in mine.items()
            ]
            for objective, mine in result.checks.items()
        },
    }


def _brief(run: dict[str, Any]) -> dict[str, Any]:
    """Leave out excerpts where nothing differs."""
    checks = {
        objective: [{**check, "excerpt": ""} for check in mine]
        for objective, mine in run.get("checks", {}).items()
    }
    return {**run, "checks": checks} if checks else run
