"""Finished attempts and their evidence as xAPI statements, for learning record stores."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from django.conf import settings

from range.accounts.models import User
from range.assessment.grading import latest_grade
from range.assessment.models import Evidence, Grade
from range.exercises.models import Attempt
from range.pipeline.evidence_lines import with_context

VERSION = "1.0.3"
LANGUAGE = "en-GB"
_VERBS = {
    "MET": ("passed", "http://adlnet.gov/expapi/verbs/passed"),
    "UNMET": ("failed", "http://adlnet.gov/expapi/verbs/failed"),
}
_COMPLETED = ("completed", "http://adlnet.gov/expapi/verbs/completed")
_SIMULATION = "http://adlnet.gov/expapi/activities/simulation"
_OBJECTIVE = "http://adlnet.gov/expapi/activities/objective"

type Statement = dict[str, object]


def statements_of(attempts: Sequence[Attempt]) -> list[Statement]:
    """Return what attempts showed: one statement a judged check, one for each attempt itself.

    The same evidence gives the same statement with the same id, so that sending twice adds
    nothing. What could not be judged, or was corrected, says nothing.
    """
    return [each for attempt in attempts for each in _of_attempt(attempt)]


def _of_attempt(attempt: Attempt) -> Iterator[Statement]:
    rows = Evidence.objects.filter(attempt=attempt, superseded_by=None, outcome__in=_VERBS)
    for row in with_context(rows).order_by("observed_at", "pk"):
        yield _of_evidence(row, attempt)
    if (grade := latest_grade(attempt)) is not None:
        yield _of_grade(grade, attempt)


def _of_evidence(row: Evidence, attempt: Attempt) -> Statement:
    objective = f"{_scenario(attempt)}objectives/{row.objective.key}/"
    return {
        **_frame(str(row.pk), attempt, verb=_VERBS[row.outcome], at=row.observed_at),
        "object": _activity(
            f"{objective}checks/{row.check_id}/",
            kind=_OBJECTIVE,
            name=f"{row.objective.title}: {row.check_id}",
        ),
        "result": {
            "success": row.outcome == "MET",
            "score": {"scaled": row.score, "raw": row.score, "min": 0.0, "max": 1.0},
            "extensions": {
                _term("hint-rung"): row.hint_rung,
                _term("reason"): row.reason,
                _term("judged-by"): row.source,
                _term("grader-version"): row.grader_version,
                _term("evidence-sha256"): row.sha256,
            },
        },
        "context": _context(
            attempt,
            parent=_activity(objective, kind=_OBJECTIVE, name=row.objective.title),
            grouping=_activity(_scenario(attempt), kind=_SIMULATION, name=_title(attempt)),
        ),
    }


def _of_grade(grade: Grade, attempt: Attempt) -> Statement:
    return {
        **_frame(f"{attempt.pk}:{grade.pk}", attempt, verb=_COMPLETED, at=grade.at),
        "object": _activity(_scenario(attempt), kind=_SIMULATION, name=_title(attempt)),
        "result": {
            "completion": True,
            "success": grade.passed,
            "score": {"scaled": grade.share},
            "extensions": {_term("provisional"): grade.provisional},
        },
        "context": _context(attempt),
    }


def _frame(name: str, attempt: Attempt, *, verb: tuple[str, str], at: datetime) -> Statement:
    word, iri = verb
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{_origin()}/statements/{name}")),
        "version": VERSION,
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "actor": actor_of(attempt.trainee),
        "verb": {"id": iri, "display": {LANGUAGE: word}},
    }


def actor_of(person: User) -> dict[str, object]:
    """Return a person as their account here: no mail address leaves the range."""
    account = {"homePage": f"{_origin()}/", "name": str(person.pk)}
    return {"objectType": "Agent", "name": person.shown_name, "account": account}


def _context(attempt: Attempt, **activities: dict[str, object]) -> dict[str, object]:
    around = {name: [each] for name, each in activities.items()}
    return {
        # The key is the standard's word for one go at something.
        "registration": str(attempt.pk),
        "platform": settings.RANGE_NAME,
        "revision": attempt.exercise.version.version,
        "language": LANGUAGE,
        **({"contextActivities": around} if around else {}),
        "extensions": {
            _term("mode"): attempt.exercise.policy,
            _term("scenario-sha256"): attempt.exercise.version.digest,
        },
    }


def _activity(iri: str, *, kind: str, name: str) -> dict[str, object]:
    definition = {"type": kind, "name": {LANGUAGE: name}}
    return {"objectType": "Activity", "id": iri, "definition": definition}


def _scenario(attempt: Attempt) -> str:
    return f"{_origin()}/catalogue/{attempt.exercise.version.scenario.slug}/"


def _title(attempt: Attempt) -> str:
    return attempt.exercise.version.scenario.title


def _term(name: str) -> str:
    return f"{_origin()}/xapi/{name}"


def _origin() -> str:
    return str(settings.RANGE_PUBLIC_ORIGIN).rstrip("/")
