"""Whether an agency has adverse-impact reports, who decided so and why; off until then."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from range.accounts.access import agencies_run_by, can_see_impact
from range.accounts.models import Organisation, User
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.timeline.models import Event
from range.timeline.services import events_of, record

ON, OFF = "impact.on", "impact.off"
MADE, EMPTY, READ, TAKEN = "impact.made", "impact.empty", "impact.read", "impact.taken"
REASON_AT_LEAST = 10
REASON_AT_MOST = 2000
SHOWN_AT_MOST = 50


class ImpactRefused(RangeError):
    """A report was not switched, made or shown; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """Something that was done with reports, and who did it."""

    event: Event
    who: str


def agency_run_by(viewer: User, slug: str = "") -> tuple[Organisation, list[Organisation]]:
    """Return the agency that a viewer administers, the one named if there are several.

    Raises:
        ImpactRefused: They administer none, or not the one named.
    """
    agencies = list(agencies_run_by(viewer))
    if not agencies:
        raise ImpactRefused(
            "Adverse-impact reports are for the administrators of an agency.",
            reason="not-an-administrator",
            status=403,
        )
    named = [each for each in agencies if slug in {"", each.slug}]
    # Never another one in its place: what was meant for the one would be done to the other.
    if not named:
        raise _missing()
    return named[0], agencies


def _missing() -> ImpactRefused:
    return ImpactRefused("There is no such agency for you.", reason="agency-missing", status=404)


def is_on(agency: Organisation) -> bool:
    """Tell whether the newest decision switched reports on."""
    newest = events_of(agency.pk, kinds=(ON, OFF)).last()
    return newest is not None and newest.kind == ON


@dataclass(frozen=True, kw_only=True)
class Counting:
    """An agency that has reports, since when and why, as its candidates read it."""

    name: str
    since: datetime
    reason: str


def agencies_with_reports() -> list[Counting]:
    """Return the agencies whose newest decision switched reports on, by name."""
    rows = Event.objects.filter(kind__in=(ON, OFF)).select_related("content")
    newest = rows.order_by("attempt_id", "-seq").distinct("attempt_id")
    on = {row.attempt_id: row for row in newest if row.kind == ON}
    agencies = Organisation.objects.filter(pk__in=on).order_by("name")
    return [
        Counting(
            name=each.name,
            since=on[each.pk].at,
            reason=str(on[each.pk].payload.get("reason", "")),
        )
        for each in agencies
    ]


@transaction.atomic
def switch(viewer: User, agency: Organisation, *, on: bool, reason: str) -> None:
    """Switch an agency's reports on or off, with the reason that its candidates read.

    Raises:
        ImpactRefused: Not theirs, nothing would change, or the reason says too little.
    """
    if not can_see_impact(viewer, agency.pk):
        raise _missing()
    words = storable(reason).strip()
    if not REASON_AT_LEAST <= len(words) <= REASON_AT_MOST:
        raise ImpactRefused(
            f"Give the reason in {REASON_AT_LEAST} to {REASON_AT_MOST:,} characters; it had "
            f"{len(words):,}. Your candidates read it.",
            reason="reason-missing",
        )
    held = Organisation.objects.select_for_update().get(pk=agency.pk)
    if is_on(held) == on:
        raise ImpactRefused("It is so already.", reason="nothing-changes", status=409)
    noted(viewer, held, ON if on else OFF, reason=words)


def noted(viewer: User, agency: Organisation, kind: str, **payload: str) -> None:
    """Write into the agency's time line what was done with its reports."""
    record(agency.pk, kind=kind, actor=f"administrator:{viewer.pk}", payload=payload)


def history_of(agency: Organisation) -> list[Done]:
    """Return what was done with an agency's reports, the newest first."""
    kinds = (ON, OFF, MADE, EMPTY, READ, TAKEN)
    found = list(events_of(agency.pk, kinds=kinds).order_by("-seq")[:SHOWN_AT_MOST])
    ids = {each.actor.removeprefix("administrator:") for each in found}
    names = {str(each.pk): each.shown_name for each in User.objects.filter(pk__in=ids)}
    return [
        Done(event=each, who=names.get(each.actor.removeprefix("administrator:"), ""))
        for each in found
    ]
