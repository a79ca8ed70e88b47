"""Tells whether a text gives away a secret or a step; knows nothing of the guard."""

import re
from collections.abc import Sequence

from range.catalog.services import attempt_spec
from tutor.encodings import disguises, normalise
from tutor.evaluation.stage import EPOCH, Staged
from tutor.policy import Rung

# Shorter lines of a reference, such as `id`, are words of everyday and tell nothing.
TELLING = 16
_EVERYDAY = re.compile(r"(?:from [\w.]+ )?import [\w., ]+$")


def tells_secret(text: str, secrets: Sequence[str]) -> bool:
    """Tell whether a secret is there, plain or in any of its disguises."""
    reduced = normalise(text)
    return any(
        value in text or any(form in reduced for form in disguises(value)) for value in secrets
    )


def steps_told(text: str, staged: Staged, *, rung: int, read: Sequence[str]) -> list[str]:
    """Return the steps in a text that neither the rung's author nor the trainee said.

    Args:
        read: The author's hints up to the rung.
    """
    if rung >= Rung.ANSWER:
        return []
    known = _flat("\n".join([*read, *staged.typed]))
    said = _flat(text)
    lines = [line for line in _reference(staged) if line in said and line not in known]
    patterns = (re.compile(each, re.IGNORECASE) for each in staged.state.withhold)
    found = [
        found[0] for each in patterns if (found := each.search(said)) and not each.search(known)
    ]
    return [*lines, *found]


def _reference(staged: Staged) -> list[str]:
    attempt = staged.attempt
    spec = attempt_spec(attempt.exercise.version, attempt.pk, EPOCH)
    runs = (getattr(step, "run", "") or "" for steps in spec.reference.values() for step in steps)
    lines = (_flat(line) for run in runs for line in run.splitlines())
    return [line for line in lines if len(line) >= TELLING and not _EVERYDAY.match(line)]


def _flat(text: str) -> str:
    return " ".join(text.split())
