"""Makes an adverse-impact report once, keeps it as it was told, and reads it back."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
    Telling,
    bounded,
    shown,
    tellable,
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
    """Make a report of this moment; None where no two groups are large enough to be compared.

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
    earlier = ImpactReport.objects.filter(agency__in=related).order_by("made_at")
    told = [_telling(row.counted) for row in earlier]
    people = everybody(held)
    cuts = tellable(cuts_of(held), people, told)
    if not cuts:
        raise ImpactRefused(
            f"A report needs at least {SMALLEST} candidates on either side of a stage or of a "
            f"role's words, and after an earlier report at least {SMALLEST} other people.",
            reason="impact-too-few",
            status=409,
        )
    figures = _figures(cuts, people)
    if not figures["dimensions"]:
        noted(viewer, held, EMPTY)
        return None
    made = ImpactReport.objects.create(
        agency=held, made_by=viewer, figures=figures, counted=_counted(cuts, people)
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
    found: dict[str, object] = {}
    for key in DIMENSIONS:
        known = members[key]
        sizes = shown({group: len(each) for group, each in known.items()})
        if sizes:
            found[key] = [
                {
                    "part": cut.part,
                    "name": cut.name,
                    "groups": _groups(cut, people, {each: known[each] for each in sizes}),
                }
                for cut in cuts
            ]
    return {"people": len(people), "dimensions": found}


def _groups(
    cut: Cut, people: People, members: Mapping[str, set[uuid.UUID]]
) -> dict[str, dict[str, object]]:
    selected = len(cut.people & people)
    found: dict[str, dict[str, object]] = {}
    for group, each in members.items():
        reached, bound = bounded(
            len(each & cut.people), len(each), selected=selected, others=len(people) - selected
        )
        found[group] = {"size": len(each), "reached": reached, "bound": bound}
    return found


def _counted(cuts: Sequence[Cut], people: People) -> dict[str, object]:
    order = sorted(people)
    return {
        "people": [str(each) for each in order],
        "reached": [[n for n, each in enumerate(order) if each in cut.people] for cut in cuts],
    }


def _telling(counted: Mapping[str, list[Any]]) -> Telling:
    order = [uuid.UUID(each) for each in counted["people"]]
    return Telling(
        everybody=frozenset(order),
        reached=[frozenset(order[n] for n in each) for each in counted["reached"]],
    )


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
