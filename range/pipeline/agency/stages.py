"""Moves candidates through an agency's stages and keeps notes; nothing is ever edited."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, QuerySet

from range.accounts.access import agencies_of, can_place
from range.accounts.models import Consent, Organisation, User
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.storable import storable
from range.pipeline.models import Candidacy, CandidacyEntry

log = get_logger(__name__)
NOTE_LENGTH = 2000


class PlacingRefused(RangeError):
    """A candidate was not moved, or a note not kept; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What an agency knows of a candidate beside their skills.

    Args:
        may_write: Whether whoever looks works for the agency, with consent in force.
        last: What an undo would undo; None where there is nothing.
    """

    agency: Organisation
    stage: str
    entries: Sequence[CandidacyEntry]
    may_write: bool
    last: CandidacyEntry | None

    @property
    def stages(self) -> list[tuple[str, str]]:
        """Return the stages to choose from; nobody is moved back to none but by an undo."""
        none = [] if self.stage else [("", "No stage yet")]
        return [*none, *((str(value), str(label)) for value, label in Candidacy.Stage.choices)]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Return the reasons to choose from."""
        return [(str(value), str(label)) for value, label in CandidacyEntry.Reason.choices]

    @property
    def stage_label(self) -> str:
        """Return the stage in words."""
        return Candidacy.Stage(self.stage).label if self.stage else "No stage yet"


def _missing() -> PlacingRefused:
    return PlacingRefused(
        "There is no such candidate for your agency. They may have withdrawn their consent.",
        reason="candidate-missing",
        status=404,
    )


def _late() -> PlacingRefused:
    return PlacingRefused(
        "Somebody else changed this candidate's stage meanwhile, so nothing was changed now. "
        "Load the page again and decide anew.",
        reason="candidacy-late",
        status=409,
    )


@transaction.atomic
def place(
    viewer: User,
    *,
    agency_id: uuid.UUID,
    trainee_id: uuid.UUID,
    was: str,
    stage: str,
    reason: str,
    note: str,
) -> CandidacyEntry:
    """Move a candidate to a stage, or keep a note where the stage stays.

    Args:
        was: The stage that whoever decided saw; another one meanwhile refuses the move.

    Raises:
        PlacingRefused: Not theirs, too late, no stage or reason to choose, or an empty note.
    """
    if not can_place(viewer, agency_id, trainee_id):
        raise _missing()
    note = storable(note).strip()[:NOTE_LENGTH]
    stages = {"", *Candidacy.Stage.values}
    if not {was, stage} <= stages or reason not in CandidacyEntry.Reason.values:
        raise PlacingRefused("Choose a stage and a reason.", reason="candidacy-choice")
    if was and not stage:
        raise PlacingRefused(
            "Nobody is moved back to no stage but by an undo.", reason="candidacy-choice"
        )
    if stage == was and not note:
        raise PlacingRefused(
            "Nothing would change: choose another stage, or write a note.",
            reason="candidacy-nothing",
        )
    if reason == CandidacyEntry.Reason.OTHER and not note:
        raise PlacingRefused("Write the reason into the note.", reason="candidacy-reason")
    row, _ = Candidacy.objects.get_or_create(agency_id=agency_id, trainee_id=trainee_id)
    return _moved(row, by=viewer, before=was, after=stage, reason=reason, note=note)


@transaction.atomic
def undo(viewer: User, *, entry_id: uuid.UUID) -> CandidacyEntry:
    """Undo the last entry of a candidate by a further one; the first stays readable.

    Raises:
        PlacingRefused: Not theirs, not the last one, or undone already.
    """
    entry = CandidacyEntry.objects.select_related("candidacy").filter(pk=entry_id).first()
    if entry is None or not can_place(
        viewer, entry.candidacy.agency_id, entry.candidacy.trainee_id
    ):
        raise _missing()
    # Of two who undo at once, the second finds that the first one did.
    Candidacy.objects.select_for_update(no_key=True).get(pk=entry.candidacy_id)
    if entry.pk != getattr(_last(entry.candidacy), "pk", None):
        raise _late()
    return _moved(
        entry.candidacy,
        by=viewer,
        before=entry.after,
        after=entry.before,
        reason=CandidacyEntry.Reason.MISTAKE,
        undoes=entry,
    )


def _moved(
    row: Candidacy,
    *,
    by: User,
    before: str,
    after: str,
    reason: str,
    note: str = "",
    undoes: CandidacyEntry | None = None,
) -> CandidacyEntry:
    # The row's lock, taken by the update, numbers entries one after the other.
    if not Candidacy.objects.filter(pk=row.pk, stage=before).update(stage=after):
        raise _late()
    number = row.entries.aggregate(last=Max("number"))["last"] or 0
    log.info("candidacy.moved", candidacy=row.pk, before=before, after=after, reason=reason)
    return CandidacyEntry.objects.create(
        candidacy=row,
        number=number + 1,
        by=by,
        before=before,
        after=after,
        reason=reason,
        note=note,
        undoes=undoes,
    )


def _entries(row: Candidacy) -> QuerySet[CandidacyEntry]:
    return row.entries.select_related("by", "undone_by", "undoes").order_by("-number")


def _last(row: Candidacy) -> CandidacyEntry | None:
    """Return the newest entry that neither undoes another nor was undone."""
    return _entries(row).filter(undoes=None, undone_by=None).first()


def desks_of(trainee: User, *, viewer: User) -> list[Desk]:
    """Return what agencies keep of a candidate: all of it for themselves, else the viewer's own.

    An agency that lost its consent sees nothing of it; the candidate goes on seeing it.
    """
    if viewer.pk == trainee.pk:
        rows = Candidacy.objects.filter(trainee=trainee).select_related("agency")
        return [_desk(row.agency, row, may_write=False) for row in rows.order_by("agency__name")]
    agreed = Consent.objects.in_force().filter(trainee=trainee).values("agency")
    agencies = agencies_of(viewer).filter(pk__in=agreed)
    rows = Candidacy.objects.filter(trainee=trainee, agency__in=agencies)
    known = {row.agency_id: row for row in rows}
    return [_desk(agency, known.get(agency.pk), may_write=True) for agency in agencies]


def _desk(agency: Organisation, row: Candidacy | None, *, may_write: bool) -> Desk:
    if row is None:
        return Desk(agency=agency, stage="", entries=(), may_write=may_write, last=None)
    last = _last(row) if may_write else None
    return Desk(
        agency=agency, stage=row.stage, entries=list(_entries(row)), may_write=may_write, last=last
    )
