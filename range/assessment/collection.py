"""Judges a running attempt's checks from outside, during work and once more at the end."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from range.assessment.evidence import Finding, current_epoch, latest, redacted, write
from range.assessment.happenings import happenings
from range.assessment.models import Evidence, ReviewItem
from range.assessment.probes import SandboxProbe
from range.assessment.runner import BY_EVENTS, HANDED_IN, Judgements, judge_objectives
from range.assessment.status import objectives_for
from range.catalog.schema_objectives import ObjectiveSpec
from range.catalog.services import file_for
from range.checks.base import Judgement, Outcome
from range.checks.combine import leaves
from range.checks.judgements import unmet
from range.checks.kinds import Check
from range.checks.rubric import RubricCheck
from range.console.services import typed_commands
from range.exercises.models import Attempt
from range.exercises.services import mark_collected
from range.lib.errors import RangeError
from range.lib.storable import NOT_TEXT, storable
from range.runtime.driver import Driver, Handle
from range.sandboxes.activity import awake, is_awake
from range.sandboxes.models import Sandbox
from range.sandboxes.services import live_sandbox, stop

# Resuming takes a fraction of a second, unless the engine is away.
RESUME_WITHIN = timedelta(seconds=10)
# A report is only read at the end: until then the trainee is still writing it.
AT_THE_END = frozenset({"rubric"})


def probe_for(attempt: Attempt, driver: Driver) -> SandboxProbe:
    """Return the probe that looks at the attempt's running sandbox, if there is one."""
    sandbox = live_sandbox(attempt)
    handle = None
    if sandbox is not None and sandbox.state == Sandbox.State.RUNNING and sandbox.handle:
        handle = Handle.from_json(sandbox.handle)
    return SandboxProbe(
        driver,
        handle,
        transcript=lambda: typed_commands(attempt),
        events=lambda: happenings(attempt),
        assets=lambda path, filled: file_for(
            attempt.exercise.version, attempt.pk, current_epoch(attempt), path, filled=filled
        ),
    )


class StillPaused(RangeError):
    """The machines are frozen: what does not answer now says nothing about a trainee."""

    def __init__(self) -> None:
        super().__init__(
            "The machines are paused and do not resume yet. The checks run when they do.",
            reason="sandbox-paused",
            status=503,
            retryable=True,
        )


def judged_awake(
    attempt: Attempt,
    objectives: Sequence[ObjectiveSpec],
    probe: SandboxProbe,
    *,
    skip_kinds: frozenset[str],
    known: Collection[tuple[str, str]] = (),
) -> Judgements:
    """Judge with the attempt's machines running all the while; a paused sandbox is resumed first.

    Raises:
        StillPaused: They did not run, so nothing was judged.
    """
    sandbox = live_sandbox(attempt)
    if sandbox is not None and not awake(sandbox.pk, within=RESUME_WITHIN):
        raise StillPaused
    judgements = judge_objectives(objectives, probe, skip_kinds=skip_kinds, known=known)
    if sandbox is not None and not is_awake(sandbox.pk):
        raise StillPaused
    return judgements


def run_checks(attempt: Attempt, driver: Driver) -> int:
    """Judge what can be judged during work; return how many outcomes changed.

    Raises:
        StillPaused: The machines cannot be resumed now; the wish for checks stays.
    """
    began = timezone.now()
    objectives = objectives_for(attempt)
    probe = probe_for(attempt, driver)
    skipped = HANDED_IN | AT_THE_END | BY_EVENTS
    met = [key for key, row in latest(attempt).items() if row.outcome == Outcome.MET]
    judgements = judged_awake(attempt, objectives, probe, skip_kinds=skipped, known=met)
    changed = _record_changes(attempt, objectives, judgements, final=False)
    by_events = judge_objectives(objectives, probe, only_kinds=BY_EVENTS)
    changed += _record_changes(attempt, objectives, by_events, final=False)
    Attempt.objects.filter(pk=attempt.pk).update(checks_run_at=began)
    return changed


def collect(attempt: Attempt, driver: Driver) -> None:
    """Judge everything once more while the sandbox still runs, keep reports, end the sandbox.

    Safe to repeat: what an interrupted collection wrote is found and not written again.

    Raises:
        StillPaused: The machines cannot be resumed now; the attempt waits to be collected.
    """
    objectives = objectives_for(attempt)
    probe = probe_for(attempt, driver)
    judgements = judged_awake(attempt, objectives, probe, skip_kinds=HANDED_IN | BY_EVENTS)
    with transaction.atomic():
        _record_changes(attempt, objectives, judgements, final=True)
        by_events = judge_objectives(objectives, probe, only_kinds=BY_EVENTS)
        _record_changes(attempt, objectives, by_events, final=True)
        _keep_reports(attempt, objectives, judgements, probe)
        mark_collected(attempt.pk)
    stop(attempt, actor="range", reason="finished")


def _record_changes(
    attempt: Attempt, objectives: Sequence[ObjectiveSpec], judgements: Judgements, *, final: bool
) -> int:
    before = latest(attempt)
    changed = 0
    for objective in objectives:
        for check in leaves(objective.checks):
            judgement = _judgement_of(check, judgements.get((objective.key, check.id)), final)
            row = before.get((objective.key, check.id))
            if judgement is None or not _is_news(judgement, row, final=final):
                continue
            write(
                attempt,
                Finding(
                    objective=objective.key,
                    check_id=check.id,
                    kind=check.kind,
                    judgement=judgement,
                ),
            )
            changed += 1
    return changed


def _judgement_of(check: Check, judgement: Judgement | None, final: bool) -> Judgement | None:
    """At the end, what was never handed in is recorded as such."""
    if judgement is None and final and check.kind in HANDED_IN:
        return unmet("not-submitted")
    return judgement


def _is_news(judgement: Judgement, row: Evidence | None, *, final: bool) -> bool:
    if row is None:
        # During work only success is news; at the end every check gets its record.
        return final or judgement.outcome is Outcome.MET
    if row.kind in HANDED_IN:
        return False
    if judgement.outcome is Outcome.INCONCLUSIVE:
        # The range could not look: what was seen before stands.
        return False
    return (row.outcome, row.score) != (judgement.outcome, judgement.score)


def _keep_reports(
    attempt: Attempt,
    objectives: Sequence[ObjectiveSpec],
    judgements: Judgements,
    probe: SandboxProbe,
) -> None:
    for objective in objectives:
        for check in leaves(objective.checks):
            if not isinstance(check, RubricCheck):
                continue
            if judgements[objective.key, check.id].reason == "awaits-judgement":
                # Read once more: a judgement's excerpt is cut, a person gets the whole.
                report = storable(check.read(probe) or "", instead=NOT_TEXT)
                _await_judgement(attempt, objective, check, report)


def _await_judgement(
    attempt: Attempt, objective: ObjectiveSpec, check: RubricCheck, report: str
) -> None:
    row = attempt.exercise.version.objectives.get(key=objective.key)
    artefact = redacted(attempt, report)
    for criterion in check.criteria:
        ReviewItem.objects.get_or_create(
            attempt=attempt,
            check_id=check.id,
            criterion=criterion.id,
            defaults={"objective": row, "artefact": artefact},
        )
