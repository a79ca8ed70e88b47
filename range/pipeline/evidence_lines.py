"""Evidence as pages list it, down to the moment in the recording."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from range.assessment.appeals import about
from range.assessment.models import Evidence


@dataclass(frozen=True, kw_only=True)
class EvidenceLine:
    """One record in a list of evidence.

    Args:
        moment_url: Into the replay; empty where nothing was recorded.
        appeal: What came of its being contested, or that it waits; empty where nobody did.
    """

    id: uuid.UUID
    attempt_id: uuid.UUID
    scenario: str
    objective: str
    check_id: str
    kind: str
    outcome: str
    score: float
    source: str
    reason: str
    hint_rung: int
    policy: str
    observed_at: datetime
    moment_url: str
    appeal: str
    is_contested: bool


def moment_url(row: Evidence) -> str:
    """Return the address of the moment in the replay at which a record was made."""
    if row.recording is None or row.recording.erased_at or row.recording_offset_ms is None:
        return ""
    try:
        replay = reverse("replay", args=[row.attempt_id])
    except NoReverseMatch:
        return ""
    return f"{replay}?recording={row.recording_id}&at={row.recording_offset_ms}"


def with_context(rows: QuerySet[Evidence]) -> QuerySet[Evidence]:
    """Load what a line shows in one query."""
    return rows.select_related(
        "objective",
        "recording",
        "attempt__exercise__version__scenario",
        "appeal",
        "decided_appeal",
    )


def appeal_in_words(row: Evidence) -> str:
    """Return whether a record is contested, and what came of it; empty where nobody did."""
    found = about(row)
    if found is None:
        return ""
    waits = found.state == found.State.OPEN
    return "contested, not answered yet" if waits else f"contested: {found.get_state_display()}"


def line(row: Evidence) -> EvidenceLine:
    """Return one record as pages list it."""
    exercise = row.attempt.exercise
    return EvidenceLine(
        id=row.pk,
        attempt_id=row.attempt_id,
        scenario=exercise.version.scenario.title,
        objective=row.objective.title,
        check_id=row.check_id,
        kind=row.kind,
        outcome=row.outcome,
        score=row.score,
        source=row.get_source_display(),
        reason=row.reason,
        hint_rung=row.hint_rung,
        policy=exercise.get_policy_display(),
        observed_at=row.observed_at,
        moment_url=moment_url(row),
        appeal=appeal_in_words(row),
        is_contested=(found := about(row)) is not None and found.state == found.State.OPEN,
    )


def lines_by_id(ids: Iterable[str]) -> Mapping[str, EvidenceLine]:
    """Return records by id, in one query."""
    rows = with_context(Evidence.objects.filter(pk__in=list(ids)))
    return {str(row.pk): line(row) for row in rows}
