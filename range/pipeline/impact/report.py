"""Makes an adverse-impact report once, keeps it as it was told, and reads it back."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from range.accounts.access import agencies_run_by
from range.accounts.models import Membership, Organisation, User
from range.pipeline.impact.groups import DIMENSIONS
from range.pipeline.impact.lines import cuts_of, everybody
from range.pipeline.impact.rates import Group, Line, held_against_highest
from range.pipeline.impact.switch import (
    EMPTY,
    MADE,
    READ,
    TAKEN,
    ImpactRefused,
    is_on,
    noted,
)
from range.pipeline.impact.withholding import (
    SMALLEST,
    Cut,
    People,
    shown,
    tellable,
    told_of,
)
from range.pipeline.models import GroupDeclaration, ImpactReport
from range.timeline.services import events_of

# Between two tries, so that nobody tries daily until one declaration tips a group over the limit.
REST = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The groups of one dimension at one line."""

    part: str
    name: str
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One dimension of a report."""

    key: str
    name: str
    compared: Sequence[Compared]


def rests_until(agency: Organisation) -> datetime | None:
    """Return when the next try is due; None where it may be now."""
    last = events_of(agency.pk, kinds=(MADE, EMPTY)).last()
    due = last.at + REST if last else None
    return due if due and due > timezone.now() else None


@transaction.atomic
def make(viewer: User, agency: Organisation) -> ImpactReport | None:
    """Make a report of this moment; None where of no two groups anything may be told.

    Raises:
        ImpactRefused: Not theirs, switched off, too soon, or too few people or changes.
    """
    # Two at once would each be held against neither.
    related = list(_read_together(agency).select_for_update().order_by("pk"))
    held = Organisation.objects.get(pk=agency.pk)
    _refuse_unless_on(viewer, held)
    if rests_until(held):
        raise ImpactRefused(
            f"Reports are made at least {REST.days} days apart, so that no two can be compared to "
            "single somebody out. The newest one stands.",
            reason="impact-too-soon",
            status=409,
        )
    people = everybody(held) - _counted_before(related)
    cuts = tellable(cuts_of(held), people)
    if not cuts:
        raise ImpactRefused(
            f"A report needs at least {SMALLEST} candidates on either side of a stage or of a "
            "role's words. Nobody is counted in two reports.",
            reason="impact-too-few",
            status=409,
        )
    figures = _figures(cuts, people)
    if not figures["dimensions"]:
        noted(viewer, held, EMPTY)
        return None
    made = ImpactReport.objects.create(
        agency=held,
        made_by=viewer,
        figures=figures,
        counted={"people": sorted(str(each) for each in people)},
    )
    noted(viewer, held, MADE, report=str(made.pk))
    return made


def _refuse_unless_on(viewer: User, agency: Organisation) -> None:
    if not agencies_run_by(viewer).filter(pk=agency.pk).exists() or not is_on(agency):
        raise _missing()


def _missing() -> ImpactRefused:
    return ImpactRefused(
        "There is no adverse-impact report for you here.", reason="impact-missing", status=404
    )


def _read_together(agency: Organisation) -> QuerySet[Organisation]:
    """Return the agency, and others that one of its administrators reads the reports of too."""
    runs = Membership.objects.filter(role=Membership.Role.ADMIN)
    readers = runs.filter(organisation=agency).values("person")
    others = runs.filter(person__in=readers).values("organisation")
    return Organisation.objects.filter(Q(pk=agency.pk) | Q(pk__in=others))


def _figures(cuts: Sequence[Cut], people: People) -> dict[str, object]:
    members: dict[str, dict[str, set[uuid.UUID]]] = defaultdict(lambda: defaultdict(set))
    rows = GroupDeclaration.objects.filter(person__in=people)
    for person, dimension, group in rows.values_list("person", "dimension", "group"):
        members[dimension][group].add(person)
    found = {key: _compared(cuts, people, members[key]) for key in DIMENSIONS}
    return {
        "people": len(people),
        "dimensions": {key: compared for key, compared in found.items() if compared},
    }


def _compared(
    cuts: Sequence[Cut], people: People, members: Mapping[str, set[uuid.UUID]]
) -> list[dict[str, object]]:
    sizes = {group: len(each) for group, each in members.items()}
    kept = shown(sizes)
    hidden = sum(sizes.values()) - sum(kept.values())
    found: list[dict[str, object]] = []
    for cut in cuts if kept else ():
        selected = len(cut.people & people)
        told = told_of(
            {group: len(members[group] & cut.people) for group in kept},
            kept,
            selected=selected,
            others=len(people) - selected,
            hidden=hidden,
        )
        groups = {
            group: {"size": kept[group], "reached": reached, "bound": bound}
            for group, (reached, bound) in told.items()
        }
        if groups:
            found.append({"part": cut.part, "name": cut.name, "groups": groups})
    return found


def _counted_before(agencies: Sequence[Organisation]) -> People:
    rows = ImpactReport.objects.filter(agency__in=agencies).values_list("counted", flat=True)
    return frozenset(uuid.UUID(each) for counted in rows for each in counted["people"])


@transaction.atomic
def opened(viewer: User, report_id: uuid.UUID, *, taken: bool = False) -> ImpactReport:
    """Return a report of the viewer's agency; that it was read or taken along is written down.

    Raises:
        ImpactRefused: There is none for this viewer, or reports are switched off.
    """
    rows = ImpactReport.objects.select_related("agency", "made_by")
    found = rows.filter(pk=report_id, agency__in=agencies_run_by(viewer)).first()
    if found is None or not is_on(found.agency):
        raise _missing()
    noted(viewer, found.agency, TAKEN if taken else READ, report=str(found.pk))
    return found


def sections_of(report: ImpactReport) -> list[Section]:
    """Return a report's figures, compared; dimensions in the order in which they are asked."""
    told = report.figures["dimensions"]
    return [
        Section(
            key=key,
            name=dimension.name,
            compared=[
                Compared(
                    part=cut["part"],
                    name=cut["name"],
                    lines=_lines(cut["groups"], dimension.groups),
                )
                for cut in told[key]
            ],
        )
        for key, dimension in DIMENSIONS.items()
        if key in told
    ]


def _lines(told: Mapping[str, Mapping[str, object]], names: Mapping[str, str]) -> list[Line]:
    return held_against_highest(
        [
            Group(
                name=name,
                size=int(str(told[key]["size"])),
                reached=int(str(told[key]["reached"])),
                bound=str(told[key]["bound"]),
            )
            for key, name in names.items()
            if key in told
        ]
    )
