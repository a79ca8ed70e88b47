"""Reads a trainee's evidence log as the attempts that the skill model replays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from range.accounts.models import User
from range.assessment.models import Evidence
from range.catalog.rendering import variants
from range.catalog.services import attempt_spec, spec_of, values_for
from range.checks.base import Outcome
from range.exercises.models import Attempt, Exercise
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.pipeline.estimate import Estimate, Judge, Mode, Observation, replay, weigh
from range.pipeline.observations import AttemptRecord, JudgedCheck, Traced, trace
from range.pipeline.parameters import ParameterSet
from range.pipeline.readiness import Standing, standings, tally
from range.pipeline.sets import current

log = get_logger(__name__)

# Values that decide which parts an attempt has are the same in all its sandboxes.
FIRST_EPOCH = 1
COUNTED_STATES = (Attempt.State.COLLECTED, Attempt.State.GRADED)


@dataclass(frozen=True, kw_only=True)
class EvidenceLog:
    """A trainee's finished attempts as observations, each with the evidence under it."""

    traced: tuple[Traced, ...]

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Return what the model sees."""
        return tuple(item.observation for item in self.traced)

    def estimate(
        self,
        *,
        as_of: datetime | None = None,
        skills: Sequence[str] = (),
        parameters: ParameterSet | None = None,
    ) -> Estimate:
        """Replay the log; None means now, and the set in use."""
        return replay(
            self.observations,
            parameters=parameters or current(),
            as_of=as_of or timezone.now(),
            skills=skills,
        )

    def standings(
        self,
        *,
        as_of: datetime | None = None,
        skills: Sequence[str] = (),
        parameters: ParameterSet | None = None,
    ) -> tuple[Standing, ...]:
        """Return where each skill stands, with the amount of evidence for it."""
        moment, chosen = as_of or timezone.now(), parameters or current()
        estimate = self.estimate(as_of=moment, skills=skills, parameters=chosen)
        seen = [item for item in self.observations if item.at <= moment]
        return standings(estimate, tally(weigh(seen, parameters=chosen)))


def read_log(
    trainee: User, *, assessed_only: bool = False, parameters: ParameterSet | None = None
) -> EvidenceLog:
    """Read all evidence of finished attempts that no correction supersedes."""
    attempts = (
        Attempt.objects.filter(trainee=trainee, state__in=COUNTED_STATES)
        .select_related("exercise__version__scenario")
        .order_by("started_at", "pk")
    )
    if assessed_only:
        attempts = attempts.filter(exercise__policy=Exercise.Policy.ASSESSED)
    rows: dict[str, list[JudgedCheck]] = {}
    evidence = Evidence.objects.filter(attempt__in=attempts, superseded_by=None)
    for row in evidence.select_related("objective").order_by("observed_at", "pk"):
        rows.setdefault(str(row.attempt_id), []).append(_judged(row))
    chosen = parameters or current()
    records = [_record(attempt, rows.get(str(attempt.pk), [])) for attempt in attempts]
    return EvidenceLog(
        traced=tuple(
            traced
            for record in records
            if record is not None
            for traced in trace(record, parameters=chosen)
        )
    )


def _judged(row: Evidence) -> JudgedCheck:
    return JudgedCheck(
        evidence_id=str(row.pk),
        objective=row.objective.key,
        check_id=row.check_id,
        outcome=Outcome(row.outcome),
        score=row.score,
        judge=Judge(row.source),
        hint_rung=row.hint_rung,
        at=row.observed_at,
    )


def _record(attempt: Attempt, judged: Sequence[JudgedCheck]) -> AttemptRecord | None:
    """Return the attempt with its objectives as drawn; None if its version cannot be read."""
    version = attempt.exercise.version
    try:
        written = spec_of(version)
        objectives = attempt_spec(version, attempt.pk, FIRST_EPOCH).objectives
    except (RangeError, ValueError) as error:
        log.warning("pipeline.attempt.unreadable", attempt=str(attempt.pk), error=str(error)[:200])
        return None
    deciding = variants(written)[0]
    values = values_for(version, attempt.pk, FIRST_EPOCH)
    return AttemptRecord(
        attempt_id=str(attempt.pk),
        scenario=version.scenario.slug,
        difficulty=written.difficulty,
        mode=Mode(attempt.exercise.policy),
        drawn={name: str(values[name]) for name in deciding},
        objectives=objectives,
        judged=judged,
    )
