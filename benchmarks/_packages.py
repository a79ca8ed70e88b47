"""Asks a package that others wrote for its estimates, in the environment of comparisons."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

PYTHON = Path("var/peers/bin/python")
# A check belongs to the skill that it weighs most.
OWN = 0.5


class PackageMissing(Exception):
    """The environment of comparisons is not there; bin/bench makes it."""


def rasch_by_mirt(passed: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return mean and sd of each person's skills: mirt's Rasch model, each skill alone, by EAP.

    It is told neither difficulties nor hints, and finds difficulties from everybody's answers.

    Raises:
        PackageMissing: There is no environment of comparisons.
    """
    if not PYTHON.exists():
        raise PackageMissing(f"{PYTHON} is missing; run this by bin/bench.")
    asked = [
        passed[:, weights[:, at] >= OWN].astype(int).tolist() for at in range(weights.shape[1])
    ]
    done = subprocess.run(
        [str(PYTHON), __file__], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    return np.array(told["mean"]).T, np.array(told["sd"]).T


def _answer() -> None:
    """Fit one model a skill; run by the environment of comparisons."""
    import mirt  # type: ignore[import-not-found]

    means, sds = [], []
    for rows in json.load(sys.stdin):
        answers = np.array(rows)
        # An item that all met, or none, says nothing to this model.
        answers = answers[:, (answers.mean(axis=0) > 0) & (answers.mean(axis=0) < 1)]
        if answers.shape[1] < 2:
            means.append([0.0] * len(rows))
            sds.append([1.0] * len(rows))
            continue
        fitted = mirt.fit_mirt(answers, model="1PL", compute_standard_errors=False)
        scored = mirt.fscores(fitted, answers, method="EAP")
        means.append(np.ravel(scored.theta).tolist())
        sds.append(np.ravel(scored.standard_error).tolist())
    print(json.dumps({"mean": means, "sd": sds}))


if __name__ == "__main__":
    _answer()
