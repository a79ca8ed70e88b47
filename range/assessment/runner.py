"""Runs an objective's checks through a probe; what a probe cannot see is INCONCLUSIVE."""

from collections.abc import Iterable, Mapping

from range.assessment.snapshot import Snapshot
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.base import Judgement, Probe, ProbeUnavailable
from range.checks.combine import Combined, combine, leaves
from range.checks.judgements import inconclusive
from range.checks.kinds import Check
from range.lib.logs import get_logger

log = get_logger(__name__)

# Judged where they are handed in, in the web role, which has no engine.
HANDED_IN = frozenset({"flag", "answer"})
# Judged after the others, whose evidence is among the events they look at.
BY_EVENTS = frozenset({"temporal"})
# Everything the runner judges itself; bumped when a judgement could change.
GRADER_VERSION = "2026.1"

type Judgements = dict[tuple[str, str], Judgement]


def judge_check(check: Check, probe: Probe, *, objective: str) -> Judgement:
    """Judge one check; its own failure never counts against the trainee."""
    try:
        return check.judge(probe, objective=objective)
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
) -> Judgements:
    """Judge every check of the objectives, each once.

    Args:
        objectives: As filled in for one attempt.
        skip_kinds: Kinds left out; verification passes none and gives submissions to the probe.
        only_kinds: Kinds that are judged alone; all when empty.

    Returns:
        Judgements by objective key and check id.
    """
    snapshot = Snapshot(probe)
    return {
        (objective.key, check.id): judge_check(check, snapshot, objective=objective.key)
        for objective in objectives
        for check in leaves(objective.checks)
        if check.kind not in skip_kinds and (not only_kinds or check.kind in only_kinds)
    }


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
