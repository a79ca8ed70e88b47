"""Shapes what the page of a verification shows: its state, and each run with its checks."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from range.authoring.models import VerificationRun
from range.authoring.verifications import place_in_line

State = VerificationRun.State
_WORDS = {
    "waiting": "to do",
    "running": "running",
    "as-expected": "as expected",
    "differs": "differs",
}


@dataclass(frozen=True, kw_only=True)
class CheckLine:
    """One check as it was judged."""

    id: str
    outcome: str
    reason: str
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class ObjectiveLine:
    """What was expected of an objective in a run, and what was found.

    Args:
        found: Empty until the run has ended.
    """

    key: str
    expected: str
    found: str
    checks: tuple[CheckLine, ...]

    @property
    def differs(self) -> bool:
        """Tell whether something else was found."""
        return bool(self.found) and self.expected != self.found


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run of a verification."""

    name: str
    state: str
    seconds: float | None
    objectives: tuple[ObjectiveLine, ...]
    differences: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return its state in words."""
        return _WORDS[self.state]


@dataclass(frozen=True, kw_only=True)
class VerificationPage:
    """Everything the page shows.

    Args:
        draft_id: None where a published version is verified.
        unlisted: Runs that are counted and not listed, because there are so many.
    """

    id: uuid.UUID
    draft_id: uuid.UUID | None
    slug: str
    title: str
    what: str
    state: str
    state_words: str
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    lasted: timedelta | None
    digest: str
    place: int
    stopping: bool
    message: str
    text: str
    total: int
    done: int
    differing: int
    runs: tuple[RunLine, ...]
    unlisted: int

    @property
    def is_over(self) -> bool:
        """Tell whether nothing changes any more."""
        return self.state not in VerificationRun.OPEN_STATES

    @property
    def percent(self) -> int:
        """Return the share of runs that are done."""
        return round(100 * self.done / self.total) if self.total else 0


def verification_page(run: VerificationRun) -> VerificationPage:
    """Gather the page of one verification."""
    facts: dict[str, Any] = run.report or run.progress
    runs = tuple(_run(each) for each in facts.get("runs", ()))
    total = int(facts.get("total", 0))
    title, slug, what = _subject(run)
    return VerificationPage(
        id=run.pk,
        draft_id=run.draft_id,
        slug=slug,
        title=title,
        what=what,
        state=run.state,
        state_words=run.get_state_display(),
        asked_by=run.requested_by.shown_name,
        asked_at=run.requested_at,
        ended_at=run.ended_at,
        lasted=(run.ended_at or timezone.now()) - run.started_at if run.started_at else None,
        digest=run.digest[:12],
        place=place_in_line(run) if run.state == State.WAITING else 0,
        stopping=run.stop_wanted,
        message=run.message,
        text=str(facts.get("text", "")),
        total=total,
        done=int(facts.get("done", 0)),
        differing=int(facts.get("differing", 0)),
        # What differs first: it is what whoever comes back looks for.
        runs=tuple(sorted(runs, key=lambda each: each.state != "differs")),
        unlisted=total - len(runs),
    )


def _subject(run: VerificationRun) -> tuple[str, str, str]:
    if run.version is not None:
        scenario = run.version.scenario
        return scenario.title, scenario.slug, f"version {run.version.version}"
    if run.draft is not None:
        return run.draft.title, run.draft.slug, f"draft, revision {run.revision}"
    return "", "", ""


def _run(facts: dict[str, Any]) -> RunLine:
    expected: dict[str, str] = facts.get("expected", {})
    found: dict[str, str] = facts.get("found", {})
    checks: dict[str, list[dict[str, str]]] = facts.get("checks", {})
    return RunLine(
        name=facts["name"],
        state=facts["state"],
        seconds=facts.get("seconds"),
        objectives=tuple(
            ObjectiveLine(
                key=key,
                expected=wanted,
                found=found.get(key, ""),
                checks=tuple(CheckLine(**check) for check in checks.get(key, ())),
            )
            for key, wanted in expected.items()
        ),
        differences=tuple(facts.get("differences", ())),
    )
