"""Reviewers decide about alignments; every decision is an event of the skill, and can be undone."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from range.accounts.access import can_review_alignments
from range.accounts.models import User
from range.competencies.changes import listed
from range.competencies.models import Alignment, Framework
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.timeline.models import Event
from range.timeline.services import events_of, record

APPROVED, REJECTED = "alignment.approved", "alignment.rejected"
UNDONE, PROPOSED = "alignment.undone", "alignment.proposed"
REASON_AT_MOST = 1000


class ReviewRefused(RangeError):
    """The decision is not this person's, or not one that can be made as things stand."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One step of an alignment's history, in words.

    Args:
        is_undone: Whether a later step took it back.
    """

    at: datetime
    kind: str
    who: str
    change: str
    reason: str
    is_undone: bool


def refuse_unless_reviewer(viewer: User) -> None:
    """Let reviewers pass.

    Raises:
        ReviewRefused: The viewer is none.
    """
    if not can_review_alignments(viewer):
        raise ReviewRefused(
            "Alignments are reviewed by instructors and administrators. Everybody reads them on "
            "the page of their skill.",
            reason="alignment-review-refused",
            status=403,
        )


def stands(row: Alignment) -> str:
    """Return what names the state a reviewer saw, so that nobody decides over another unseen."""
    at = row.reviewed_at.isoformat() if row.reviewed_at else ""
    return f"{row.relation} {row.review} {at}"


@transaction.atomic
def approve(row_id: int, *, reviewer: User, relation: str, reason: str, seen: str) -> Alignment:
    """Approve an alignment, under the relation the reviewer holds to be right.

    Raises:
        ReviewRefused: Not a reviewer, their own proposal, no such relation, or decided meanwhile.
    """
    row = _taken_up(row_id, reviewer, seen)
    if relation not in Alignment.Relation.values:
        raise ReviewRefused(
            "Choose how the skill and the id relate: the same, part of, or related to.",
            reason="alignment-relation-unknown",
        )
    if _proposed_by(row, reviewer):
        raise ReviewRefused(
            "You proposed this alignment yourself: somebody else approves it.",
            reason="alignment-own-proposal",
            status=403,
        )
    before = _state(row)
    row.relation, row.is_rejected = relation, False
    row.reviewed_by, row.reviewed_at = reviewer, timezone.now()
    return _decided(row, APPROVED, reviewer, before=before, reason=reason)


@transaction.atomic
def reject(row_id: int, *, reviewer: User, reason: str, seen: str) -> Alignment:
    """Reject an alignment: it stays, with the reason, and counts nowhere.

    Raises:
        ReviewRefused: Not a reviewer, no reason, or decided meanwhile.
    """
    row = _taken_up(row_id, reviewer, seen)
    if not reason.strip():
        raise ReviewRefused(
            "Say why it is rejected: whoever proposes it anew should know.",
            reason="alignment-reason-missing",
        )
    before = _state(row)
    row.is_rejected = True
    row.reviewed_by, row.reviewed_at = reviewer, timezone.now()
    return _decided(row, REJECTED, reviewer, before=before, reason=reason)


@transaction.atomic
def undo(row_id: int, *, reviewer: User, seen: str) -> Alignment:
    """Take back the last decision that stands, also somebody else's; both stay in the history.

    Raises:
        ReviewRefused: Not a reviewer, nothing to undo, or decided meanwhile.
    """
    row = _taken_up(row_id, reviewer, seen)
    standing = _standing_decisions(_events(row))
    if not standing:
        raise ReviewRefused(
            "There is no decision to undo.", reason="alignment-nothing-to-undo", status=409
        )
    last, before = standing[-1], _state(row)
    then = _part(last, "before")
    row.relation, row.is_rejected = then["relation"], then["is_rejected"]
    row.reviewed_by_id = uuid.UUID(then["reviewed_by"]) if then["reviewed_by"] else None
    row.reviewed_at = parse_datetime(then["reviewed_at"]) if then["reviewed_at"] else None
    return _decided(row, UNDONE, reviewer, before=before, undoes=last.seq)


@transaction.atomic
def propose_successor(row_id: int, *, proposer: User, code: str) -> Alignment:
    """Align the skill with another id of the edition in use; unreviewed until somebody else looks.

    Raises:
        ReviewRefused: Not a reviewer, no such id in the edition in use, or aligned already.
    """
    refuse_unless_reviewer(proposer)
    row = _row(row_id)
    edition = Framework.objects.current(row.framework)
    if edition is None or not edition.statements.filter(code=code).exists():
        raise ReviewRefused(
            "The edition in use has no statement with that id.", reason="alignment-id-unknown"
        )
    made, is_new = Alignment.objects.get_or_create(
        skill=row.skill,
        framework=row.framework,
        framework_version=edition.version,
        code=code,
        defaults={
            "relation": row.relation,
            "author": proposer.shown_name[:120],
            "aligned_on": timezone.localdate(),
        },
    )
    if not is_new:
        raise ReviewRefused(
            f"{row.skill.name} has an alignment with {code} already; it is {made.review}.",
            reason="alignment-there-already",
            status=409,
        )
    return _decided(made, PROPOSED, proposer, reason=f"in place of {row.code}")


def history(row: Alignment) -> list[Moment]:
    """Return everything that was decided about an alignment, the newest first."""
    events = _events(row)
    undone = {event.payload.get("undoes") for event in events if event.kind == UNDONE}
    ids = {event.actor.partition(":")[2] for event in events}
    names = {str(each.pk): each.shown_name for each in User.objects.filter(pk__in=ids)}
    return [
        Moment(
            at=event.at,
            kind=event.kind,
            who=names.get(event.actor.partition(":")[2], "somebody"),
            change=_change(event),
            reason=str(event.payload.get("reason", "")),
            is_undone=event.seq in undone,
        )
        for event in reversed(events)
    ]


def can_undo(row: Alignment) -> bool:
    """Tell whether a decision stands that could be taken back."""
    return bool(_standing_decisions(_events(row)))


def missing_here(row: Alignment) -> Framework | None:
    """Return the edition in use if it does not have the id of an alignment; else None."""
    edition = Framework.objects.current(row.framework)
    return edition if edition and row.code not in listed(edition) else None


def _row(row_id: int) -> Alignment:
    rows = Alignment.objects.select_for_update(of=("self",)).select_related("skill")
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise ReviewRefused("There is no such alignment.", reason="alignment-missing", status=404)
    return row


def _taken_up(row_id: int, reviewer: User, seen: str) -> Alignment:
    refuse_unless_reviewer(reviewer)
    row = _row(row_id)
    if stands(row) != seen:
        raise ReviewRefused(
            f"Somebody decided meanwhile: it is {row.review} now. Look at it again.",
            reason="alignment-decided-meanwhile",
            status=409,
        )
    return row


def _proposed_by(row: Alignment, reviewer: User) -> bool:
    actor = f"instructor:{reviewer.pk}"
    return any(event.kind == PROPOSED and event.actor == actor for event in _events(row))


def _state(row: Alignment) -> dict[str, object]:
    return {
        "relation": row.relation,
        "is_rejected": row.is_rejected,
        "reviewed_by": str(row.reviewed_by_id) if row.reviewed_by_id else "",
        "reviewed_at": row.reviewed_at.isoformat() if row.reviewed_at else "",
    }


def _decided(
    row: Alignment,
    kind: str,
    reviewer: User,
    *,
    before: Mapping[str, object] | None = None,
    **more: object,
) -> Alignment:
    row.save()
    payload: dict[str, object] = {
        "alignment": row.pk,
        "id": f"{row.framework}:{row.code}",
        "release": row.framework_version,
        "before": dict(before or {}),
        "after": _state(row),
        **more,
    }
    if "reason" in payload:
        payload["reason"] = storable(str(payload["reason"])).strip()[:REASON_AT_MOST]
    record(row.skill_id, kind=kind, actor=f"instructor:{reviewer.pk}", payload=payload)
    return row


def _events(row: Alignment) -> list[Event]:
    kinds = (APPROVED, REJECTED, UNDONE, PROPOSED)
    found = events_of(row.skill_id, kinds=kinds)
    return [event for event in found if event.payload.get("alignment") == row.pk]


def _standing_decisions(events: Sequence[Event]) -> list[Event]:
    undone = {event.payload.get("undoes") for event in events if event.kind == UNDONE}
    return [
        event for event in events if event.kind in (APPROVED, REJECTED) and event.seq not in undone
    ]


def _part(event: Event, side: str) -> dict[str, Any]:
    return cast(dict[str, Any], event.payload.get(side) or {})


def _change(event: Event) -> str:
    old, new = (_part(event, side).get("relation") for side in ("before", "after"))
    if not old or not new or old == new:
        return ""
    return f"{Alignment.Relation(old).label} → {Alignment.Relation(new).label}"
