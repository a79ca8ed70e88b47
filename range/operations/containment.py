"""Runs every probe of containment for whoever runs the range, and tells what came of it."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.containment.run import alone, probing_driver, run
from range.runtime.containment.verdict import Outcome, Verdict, unproven
from range.sandboxes import probe_record

log = get_logger(__name__)

SANDBOX_CONTROL = "control-sandbox"
_LOCK_WITHIN = timedelta(minutes=2)


def probe(state_dir: Path) -> list[Verdict]:
    """Run every probe, and keep what came of it for launches to heed."""
    if settings.RANGE_DRIVER != "docker":
        return [
            unproven(SANDBOX_CONTROL, f"RANGE_DRIVER={settings.RANGE_DRIVER} has no containers")
        ]
    try:
        with alone(state_dir, within=_LOCK_WITHIN):
            verdicts = run(probing_driver(settings.RANGE_DRIVER), everything=True)
    except RangeError as error:
        return [unproven(SANDBOX_CONTROL, error.message)]
    except OSError as error:
        return [unproven(SANDBOX_CONTROL, f"{state_dir}: {error.strerror or error}")]
    try:
        probe_record.remember(state_dir, verdicts, cause="doctor")
    except OSError as error:
        log.warning("probes.not-kept", error=type(error).__name__, folder=str(state_dir))
    return verdicts


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return 1 where anything is open."""
    return int(any(verdict.outcome is Outcome.OPEN for verdict in verdicts))


def table(verdicts: list[Verdict]) -> str:
    """Return the verdicts for a person, what is open last, so that it stays in view."""
    width = max(len(verdict.probe) for verdict in verdicts)
    order = list(Outcome)
    lines = [
        f"{verdict.outcome:<8} {verdict.probe:<{width}}  {verdict.detail}"
        for verdict in sorted(verdicts, key=lambda each: order.index(each.outcome))
    ]
    return "\n".join([*lines, "", _summary(verdicts)])


def as_json(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return the verdicts for a program, each with its `probe` and its `outcome`."""
    return [verdict.to_json() for verdict in verdicts]


def _summary(verdicts: list[Verdict]) -> str:
    found = [verdict for verdict in verdicts if verdict.outcome is Outcome.OPEN]
    if not found:
        return f"{len(verdicts)} probes, none open."
    vain = sum(verdict.unproven for verdict in found)
    told = f"{len(verdicts)} probes, {len(found)} open"
    if vain:
        told += f", {vain} of them only because nothing could be proven"
    if any(verdict.critical and not verdict.unproven for verdict in found):
        told += ". No sandbox of a trainee starts until this is mended and probed again"
    return f"{told}."
