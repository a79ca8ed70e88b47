"""The door of assessment: what other apps may call."""

from range.assessment.collection import collect, run_checks
from range.assessment.evidence import evidence_of, hint_rung, latest
from range.assessment.grading import (
    Proposal,
    ReviewRefused,
    decide,
    grade,
    latest_grade,
    record_proposals,
)
from range.assessment.overruling import overrule
from range.assessment.status import CheckStatus, ObjectiveStatus, objectives_for, status_of
from range.assessment.submissions import Receipt, SubmissionRefused, submit

__all__ = [
    "CheckStatus",
    "ObjectiveStatus",
    "Proposal",
    "Receipt",
    "ReviewRefused",
    "SubmissionRefused",
    "collect",
    "decide",
    "evidence_of",
    "grade",
    "hint_rung",
    "latest",
    "latest_grade",
    "objectives_for",
    "overrule",
    "record_proposals",
    "run_checks",
    "status_of",
    "submit",
]
