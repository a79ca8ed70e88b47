"""Tells whether a text gives away a secret or a step; knows nothing of the guard."""

import re
from collections.abc import Sequence

from range.catalog.services import attempt_spec
from tutor.encodings import disguises, normalise
from tutor.evaluation.stage import EPOCH, Staged
from tutor.policy import Rung

# Shorter lines of a reference, such as `id`, are words of everyday and tell nothing.
TELLING = 16


def tells_secret(text: str, secrets: Sequence[str]) -> bool:
    """Tell whether a secret is there, plain or in any of its disguises."""
    reduced = normalise(text)
    return any(
        value in text or any(form in reduced for form in disguises(value)) for value in secrets
    )


def tells_step(text: str, staged: Staged, *, rung: int, read: Sequence[str]) -> bool:
    """Tell whether a step is there that neither the rung's author nor the trainee said.

    Args:
        read: The author's hints up to the rung.
    """
    if rung >= Rung.ANSWER:
        return False
    known = _flat("\n".join([*read, *staged.typed]))
    said = _flat(text)
    if any(line in said and line not in known for line in _reference(staged)):
        return True
    patterns = (re.compile(each, re.IGNORECASE) for each in staged.state.withhold)
    return any(each.search(said) and not each.search(known) for each in patterns)


def _reference(staged: Staged) -> list[str]:
    attempt = staged.attempt
    spec = attempt_spec(attempt.exercise.version, attempt.pk, EPOCH)
    runs = (getattr(step, "run", "") or "" for steps in spec.reference.values() for step in steps)
    lines = (_flat(line) for run in runs for line in run.splitlines())
    return [line for line in lines if len(line) >= TELLING]


def _flat(text: str) -> str:
    return " ".join(text.split())
