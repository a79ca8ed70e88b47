"""What authors ask of verification: begin, stop, look at; the workshop role carries it out."""

import uuid

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from range.accounts.access import can_author_in, can_read_scenario
from range.accounts.models import User
from range.authoring import drafts
from range.authoring.models import VerificationRun, VerificationRunQuerySet
from range.authoring.news import line_changed
from range.catalog.models import ScenarioVersion
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.timeline.services import record

WORKSHOP_CHANNEL = "workshop"
# As many as one author may have in line or running, whatever they are of.
MOST_OPEN = 3
MOST_KEPT = 20
State = VerificationRun.State


class VerificationRefused(RangeError):
    """A verification cannot be begun; the message says why."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, reason=reason, status=409)


class VerificationMissing(RangeError):
    """There is no such verification, or not for this person; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such verification in your workshop.",
            reason="verification-missing",
            status=404,
        )


def ask_for_draft(draft_id: uuid.UUID, *, author: User) -> VerificationRun:
    """Put a draft, as it is now, in line for verification.

    Raises:
        DraftMissing: It is no draft of the author's organisations.
        DraftArchived: It was put away.
        VerificationRefused: It is in line already, or the author has enough in line.
    """
    draft = drafts.draft_of(author, draft_id)
    if draft.archived_at is not None:
        raise drafts.DraftArchived
    with transaction.atomic():
        run = _asked(VerificationRun(draft=draft, revision=draft.revision, requested_by=author))
        drafts.note(draft, "draft.verification_asked", author, revision=draft.revision)
    return run


def ask_for_version(version: ScenarioVersion, *, author: User) -> VerificationRun:
    """Put a published version in line for verification.

    Raises:
        VerificationMissing: It is not the author's to read.
        VerificationRefused: It is in line already, or the author has enough in line.
    """
    if not can_read_scenario(author, version.scenario.owner_id):
        raise VerificationMissing
    with transaction.atomic():
        run = _asked(VerificationRun(version=version, requested_by=author))
        record(
            version.scenario_id,
            kind="scenario.verification_asked",
            actor=f"instructor:{author.pk}",
            payload={"version": version.version},
        )
    return run


def verification_of(viewer: User, run_id: uuid.UUID) -> VerificationRun:
    """Return a verification that somebody may see.

    Raises:
        VerificationMissing: It does not exist, or is of something they may not see.
    """
    runs = VerificationRun.objects.select_related("draft", "version__scenario", "requested_by")
    run = runs.filter(pk=run_id).first()
    if run is None or not _may_see(viewer, run):
        raise VerificationMissing
    return run


def want_stop(run: VerificationRun) -> None:
    """Say that nothing more of a verification is wanted; one in line ends at once."""
    ended = VerificationRun.objects.claim(
        run.pk,
        source=State.WAITING,
        target=State.STOPPED,
        stop_wanted=True,
        ended_at=timezone.now(),
    )
    if not ended:
        VerificationRun.objects.filter(pk=run.pk, state=State.RUNNING).update(stop_wanted=True)
        notify(WORKSHOP_CHANNEL, "")
    line_changed()


def in_line() -> VerificationRunQuerySet:
    """Return those that wait, the next one first.

    Whoever was served longest ago comes first, so that nobody waits behind another's many.
    """
    served = Max("requested_by__verifications__started_at")
    waiting = VerificationRun.objects.filter(state=State.WAITING)
    return waiting.annotate(served=served).order_by(
        F("served").asc(nulls_first=True), "requested_at"
    )


def place_in_line(run: VerificationRun) -> int:
    """Return how many are served before a run that waits, the one that runs among them."""
    waiting = list(in_line().values_list("pk", flat=True))
    running = VerificationRun.objects.filter(state=State.RUNNING).count()
    return running + (waiting.index(run.pk) if run.pk in waiting else 0)


def _asked(run: VerificationRun) -> VerificationRun:
    # Two at once would count the same runs.
    author = User.objects.select_for_update().get(pk=run.requested_by_id)
    if VerificationRun.objects.under_way().filter(requested_by=author).count() >= MOST_OPEN:
        raise VerificationRefused(
            f"You have {MOST_OPEN} verifications in line or running. Wait for one, or stop one.",
            reason="too-many-verifications",
        )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        raise VerificationRefused(
            "This is being verified already.", reason="already-verifying"
        ) from error
    _forget_old(run)
    notify(WORKSHOP_CHANNEL, "")
    return run


def _forget_old(run: VerificationRun) -> None:
    """Keep the newest verifications of one thing: each holds every run with its checks."""
    same = VerificationRun.objects.filter(draft=run.draft_id, version=run.version_id)
    ended = same.exclude(state__in=VerificationRun.OPEN_STATES)
    kept = ended.order_by("-requested_at").values_list("pk", flat=True)[:MOST_KEPT]
    ended.exclude(pk__in=list(kept)).delete()


def _may_see(viewer: User, run: VerificationRun) -> bool:
    if run.draft is not None:
        return can_author_in(viewer, run.draft.organisation_id)
    return run.version is not None and can_read_scenario(viewer, run.version.scenario.owner_id)


def newest_of(*, draft_id: uuid.UUID) -> VerificationRun | None:
    """Return the newest verification of a draft, whatever became of it."""
    runs = VerificationRun.objects.filter(draft=draft_id)
    return runs.order_by("-requested_at").first()
