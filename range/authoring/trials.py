"""What authors ask of their own sandbox in the browser; the workshop role carries it out."""

import uuid
from collections.abc import Mapping

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from range.accounts.access import can_see_workshop
from range.accounts.models import User
from range.authoring import drafts
from range.authoring.models import DraftTrial, TrialOrder
from range.authoring.news import trial_changed
from range.authoring.verifications import WORKSHOP_CHANNEL
from range.checks.spec import Scalar
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.lib.storable import storable
from range.sandboxes.models import Trial

# An author who presses again and again waits for what they asked before.
MOST_ORDERS = 5
State = Trial.State


class TrialRefused(RangeError):
    """A trial cannot be begun, or not asked for that; the message says why."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, reason=reason, status=409)


class TrialMissing(RangeError):
    """There is no such trial, or not of this person; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__("There is no such trial of yours.", reason="trial-missing", status=404)


def begin(
    draft_id: uuid.UUID, *, author: User, variant: Mapping[str, Scalar] | None = None
) -> DraftTrial:
    """Ask for a sandbox of the author's own with a draft in it; the one there is comes back.

    Args:
        variant: Choices that must have been drawn; another one ends the trial there is.

    Raises:
        DraftMissing: It is no draft of the author's organisations.
        DraftArchived: It was put away.
        TrialRefused: The author tries something else.
    """
    draft = drafts.draft_of(author, draft_id)
    if draft.archived_at is not None:
        raise drafts.DraftArchived
    live = DraftTrial.objects.filter(trial__person=author).exclude(trial__state=State.ENDED)
    present = live.select_related("trial", "draft").first()
    if present is not None and present.draft_id == draft.pk and not present.trial.stop_wanted:
        return present
    if present is not None:
        raise TrialRefused(
            f"You are trying {present.draft.title} at this moment, and one person has one trial. "
            "End that one first.",
            reason="trial-elsewhere",
        )
    try:
        with transaction.atomic():
            trial = Trial.objects.create(person=author, driver=settings.RANGE_DRIVER)
            of_draft = DraftTrial.objects.create(
                trial=trial, draft=draft, variant=dict(variant or {})
            )
            drafts.note(draft, "draft.tried", author)
            notify(WORKSHOP_CHANNEL, "")
    except IntegrityError as error:
        raise TrialRefused(
            "You are trying something at this moment. End that one first.",
            reason="trial-elsewhere",
        ) from error
    return of_draft


def trial_of(viewer: User, trial_id: uuid.UUID, *, seen: bool = False) -> DraftTrial:
    """Return an author's own trial.

    Args:
        seen: Whether their page is open, which keeps it.

    Raises:
        TrialMissing: It does not exist, or is somebody else's.
    """
    found = DraftTrial.objects.select_related("trial", "draft").filter(pk=trial_id).first()
    if found is None or found.trial.person_id != viewer.pk or not can_see_workshop(viewer):
        raise TrialMissing
    if seen:
        touch(trial_id)
    return found


def touch(trial_id: uuid.UUID) -> None:
    """Note that somebody is at a trial's page, which keeps it."""
    Trial.objects.live().filter(pk=trial_id).update(seen_at=timezone.now())


def live_trial(viewer: User) -> DraftTrial | None:
    """Return what an author tries at this moment."""
    mine = DraftTrial.objects.filter(trial__person=viewer).exclude(trial__state=State.ENDED)
    return mine.select_related("trial", "draft").first()


def order(of_draft: DraftTrial, kind: str, *, text: str = "") -> TrialOrder:
    """Ask something of a trial.

    Raises:
        TrialRefused: It has ended, or enough was asked before.
    """
    if not Trial.objects.live().filter(pk=of_draft.pk).exists():
        raise TrialRefused("This trial has ended. Begin another.", reason="trial-ended")
    if of_draft.orders.filter(done_at=None).count() >= MOST_ORDERS:
        raise TrialRefused("One thing after the other: wait for the last.", reason="trial-busy")
    with transaction.atomic():
        asked = TrialOrder.objects.create(of_draft=of_draft, kind=kind, text=storable(text)[:1000])
        notify(WORKSHOP_CHANNEL, "")
    return asked


def want_end(of_draft: DraftTrial) -> None:
    """Say that a trial is over; its machines are removed."""
    Trial.objects.live().filter(pk=of_draft.pk).update(stop_wanted=True)
    notify(WORKSHOP_CHANNEL, "")
    trial_changed(of_draft.pk)
