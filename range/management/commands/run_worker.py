"""Run the worker role: everything that happens after an attempt's evidence is collected."""

import threading
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection
from django.db.models import F

from range.assessment import services as assessment
from range.assessment.retention import erase_due
from range.exercises.models import Attempt
from range.exercises.services import mark_graded
from range.lib import clock
from range.lib.logs import get_logger
from range.lib.notify import Listener, conninfo
from range.lib.roles import end_on_signal
from range.pipeline import services as pipeline
from range.pipeline.difficulties import refresh_difficulties
from range.pipeline.exports import lrs
from range.pipeline.rebuild import rebuild_if_due
from tutor import services as tutor

log = get_logger(__name__)

# A catalogue may be a little behind; a class that finishes is then counted once.
DIFFICULTIES_EVERY = timedelta(minutes=10)


def complete(attempt: Attempt) -> None:
    """Take a collected attempt to its grade, debrief and estimates; safe to repeat."""
    assessment.record_proposals(attempt, tutor.judge(attempt))
    assessment.grade(attempt)
    tutor.debrief(attempt)
    pipeline.refresh(attempt.trainee)
    mark_graded(attempt.pk)


def refresh_after_review(attempt: Attempt) -> None:
    """Bring debrief and estimates up to a decision that a person took later."""
    tutor.debrief(attempt)
    pipeline.refresh(attempt.trainee)


class Command(BaseCommand):
    """Judges, grades, debriefs, refreshes estimates, embeds texts; rebuilds, erases at night."""

    help = "Grade collected attempts."
    # Starting checks the range once; here it would load every page there is.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM or SIGINT."""
        self.run(end_on_signal())

    def run(self, ended: threading.Event) -> None:
        """Complete attempts as they come; a database that is away is waited for."""
        difficulties_due = clock.monotonic()
        with Listener(conninfo(connection.settings_dict), "attempts", "knowledge") as listener:
            while not ended.is_set():
                listener.wait(timedelta(seconds=settings.RANGE_SWEEP_SECONDS))
                try:
                    complete_all()
                    refresh_reviewed()
                    tutor.place_questions()
                    tutor.take_up()
                    if clock.monotonic() >= difficulties_due:
                        difficulties_due = clock.monotonic() + DIFFICULTIES_EVERY.total_seconds()
                        refresh_difficulties()
                    if rebuild_if_due(between=complete_all):
                        # The night's other work: what is erased was compared before.
                        erase_due(between=complete_all)
                    if lrs.is_on():
                        lrs.forward_due()
                    tutor.tend_texts(between=lambda: _goes_on(ended))
                except Exception:
                    log.exception("worker.tick.failed")
                    close_old_connections()


def _goes_on(ended: threading.Event) -> bool:
    """Let grading go first between two handfuls of passages; False once the role is to end."""
    if not ended.is_set():
        complete_all()
    return not ended.is_set()


def complete_all() -> None:
    """Complete every collected attempt; one that fails does not hold up the others."""
    waiting = Attempt.objects.filter(state=Attempt.State.COLLECTED).select_related(
        "exercise__version__scenario", "trainee"
    )
    for attempt in waiting.order_by("finished_at"):
        try:
            complete(attempt)
            log.info("attempt.graded", attempt=str(attempt.pk))
        except Exception:
            log.exception("attempt.grading.failed", attempt=str(attempt.pk))


def refresh_reviewed() -> None:
    """Refresh every graded attempt that somebody's decision graded anew since its debrief."""
    stale = Attempt.objects.filter(
        state=Attempt.State.GRADED, grades__at__gt=F("debrief__written_at")
    )
    # Each decision left a grade.
    found = stale.select_related("exercise__version__scenario", "trainee").distinct()
    for attempt in found.order_by("finished_at"):
        try:
            refresh_after_review(attempt)
            log.info("attempt.refreshed", attempt=str(attempt.pk))
        except Exception:
            log.exception("attempt.refresh.failed", attempt=str(attempt.pk))
