"""Runs an objective's checks through a probe; what a probe cannot see is INCONCLUSIVE."""

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import groupby

from range.assessment.snapshot import Snapshot
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.base import Judgement, Outcome, Probe, ProbeUnavailable, TooMuchThere
from range.checks.combine import Combined, combine, leaves
from range.checks.judgements import inconclusive, unmet
from range.checks.kinds import Check
from range.lib import clock
from range.lib.logs import get_logger

log = get_logger(__name__)

# Judged where they are handed in, in the web role, which has no engine.
HANDED_IN = frozenset({"flag", "answer"})
# Judged after the others, whose evidence is among the events they look at.
BY_EVENTS = frozenset({"temporal"})
# What no second look could show to be otherwise: it lies with the range, or is read in one piece.
SEEN_ONCE = HANDED_IN | BY_EVENTS | {"transcript", "detection", "rubric", "command"}
ON_THE_WIRE = frozenset(
    {"dns", "http", "modbus", "network_path", "port", "smtp", "sql", "ssh", "tcp"}
)
# What is looked at the second time while nothing in the machine moves.
INSIDE = frozenset({"file", "log", "process", "sudo_rule"})
PAUSE_SECONDS = 0.5
# Everything the runner judges itself; bumped when a judgement could change.
GRADER_VERSION = "2026.4"

type Judgements = dict[tuple[str, str], Judgement]


def judge_check(check: Check, probe: Probe, *, objective: str) -> Judgement:
    """Judge one check; its own failure never counts against the trainee."""
    try:
        return check.judge(probe, objective=objective)
    except TooMuchThere as error:
        return unmet("too-much-there", excerpt=str(error))
    except ProbeUnavailable as error:
        return inconclusive(str(error) or "probe-unavailable")
    except Exception:
        log.exception("check.failed", check=check.id, kind=check.kind)
        return inconclusive("check-failed")


def judge_objectives(
    objectives: Iterable[ObjectiveSpec],
    probe: Probe,
    *,
    skip_kinds: frozenset[str] = HANDED_IN,
    only_kinds: frozenset[str] = frozenset(),
    known: Collection[tuple[str, str]] = (),
) -> Judgements:
    """Judge every check of the objectives; what a machine shows counts once it is seen twice.

    The second look comes from another place, goes the other way round, and finds the machine
    standing still: what is right for the first who asks, for one address, in turn with what it
    contradicts, or while something is on its way from one name to the next, is not right.

    Args:
        objectives: As filled in for one attempt.
        skip_kinds: Kinds left out; verification passes none and gives submissions to the probe.
        only_kinds: Kinds that are judged alone; all when empty.
        known: Checks that were met before, which are looked at once.

    Returns:
        Judgements by objective key and check id.
    """
    snapshot = Snapshot(probe)
    wanted = {
        (objective.key, check.id): check
        for objective in objectives
        for check in leaves(objective.checks)
        if check.kind not in skip_kinds and (not only_kinds or check.kind in only_kinds)
    }
    judged = {key: judge_check(check, snapshot, objective=key[0]) for key, check in wanted.items()}
    again = [
        key
        for key, check in wanted.items()
        if check.kind not in SEEN_ONCE and key not in known and judged[key].outcome is Outcome.MET
    ]
    if again:
        _pause({wanted[key].kind for key in again})
        probe.turn()
        snapshot = Snapshot(probe)
    for is_inside, keys in groupby(reversed(again), lambda key: wanted[key].kind in INSIDE):
        together = list(keys)
        with _held_still(snapshot, [wanted[key] for key in together] if is_inside else []):
            for key in together:
                judged[key] = judge_check(wanted[key], snapshot, objective=key[0])
    return judged


@contextmanager
def _held_still(probe: Probe, checks: Iterable[Check]) -> Iterator[None]:
    """Let nothing move in the machines that checks look into: what walks about is found then."""
    with ExitStack() as held:
        for machine in sorted({str(getattr(check, "machine", "")) for check in checks} - {""}):
            # What cannot be looked at is told by the check itself.
            with suppress(ProbeUnavailable):
                held.enter_context(probe.held_still(machine))
        yield


def _pause(kinds: Set[str]) -> None:
    """Let time pass that nobody can foresee, where something answers by the moment."""
    if kinds & ON_THE_WIRE:
        clock.sleep(timedelta(seconds=PAUSE_SECONDS * (0.3 + secrets.randbelow(1000) / 1000)))


def combined(
    objectives: Iterable[ObjectiveSpec], judgements: Mapping[tuple[str, str], Judgement]
) -> dict[str, Combined]:
    """Combine judgements into each objective's outcome, by key."""
    return {
        objective.key: combine(
            objective.checks,
            {check: judged for (key, check), judged in judgements.items() if key == objective.key},
            partial=objective.partial,
            skills=objective.skills,
        )
        for objective in objectives
    }
