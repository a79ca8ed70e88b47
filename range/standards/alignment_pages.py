"""Pages of reviewers: the list of alignments, and one with both wordings and its history."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from range.competencies.changes import astray
from range.competencies.models import Alignment, Framework
from range.competencies.successors import Successor
from range.standards.reviewing import Moment, can_undo, history, missing_here, stands
from range.standards.skills import AlignmentLine, Level, alignment_lines, levels_of

PAGE_LENGTH = 50
LARGEST_ID = 2**63 - 1
SHOWN = {
    "unreviewed": "Unreviewed",
    "reviewed": "Reviewed",
    "rejected": "Rejected",
    "astray": "Not in the release in use",
    "all": "All",
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A part of the list, and how many are in it."""

    key: str
    label: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One page of the list."""

    choices: Sequence[Choice]
    show: str
    search: str
    lines: Sequence[AlignmentLine]
    page: Page[Alignment]


@dataclass(frozen=True, kw_only=True)
class AlignmentPage:
    """One alignment with everything a reviewer needs.

    Args:
        missing_in: The edition in use, if it does not have the id.
        siblings: The other alignments of the skill, to judge it among them.
        round: Where it stands among those that nobody reviewed.
    """

    line: AlignmentLine
    levels: Sequence[Level]
    seen: str
    relations: Sequence[tuple[str, str]]
    history: Sequence[Moment]
    can_undo: bool
    missing_in: Framework | None
    successors: Sequence[Successor]
    siblings: Sequence[AlignmentLine]
    round: "Round"


@dataclass(frozen=True, kw_only=True)
class Round:
    """Where an alignment stands among those that nobody reviewed, in the order of the list.

    Args:
        place: Counted from one; zero once it is reviewed itself.
        following: The next one that waits, the first of all behind the last.
    """

    place: int
    waiting: int
    previous: int | None
    following: int | None


def queue(*, show: str, search: str, number: str) -> Queue:
    """Return a page of alignments by skill; unreviewed ones unless something else is chosen."""
    parts = _parts()
    chosen = show if show in parts else "unreviewed"
    rows = parts[chosen]
    for word in search.split()[:6]:
        named = Q(skill__name__icontains=word) | Q(skill__key__icontains=word)
        rows = rows.filter(named | Q(code__icontains=word))
    ordered = rows.select_related("skill", "reviewed_by").order_by(*_ORDER)
    page = Paginator(ordered, PAGE_LENGTH).get_page(number)
    return Queue(
        choices=[
            Choice(key=key, label=label, count=parts[key].count()) for key, label in SHOWN.items()
        ],
        show=chosen,
        search=search,
        lines=alignment_lines(page),
        page=page,
    )


_ORDER = ("skill__name", "framework", "code", "pk")


def _parts() -> dict[str, QuerySet[Alignment]]:
    rows = Alignment.objects.all()
    return {
        "unreviewed": _waiting(),
        "reviewed": rows.standing().exclude(reviewed_by=None),
        "rejected": rows.filter(is_rejected=True),
        "astray": rows.standing().filter(_is_astray()),
        "all": rows,
    }


def _waiting() -> QuerySet[Alignment]:
    return Alignment.objects.filter(reviewed_by=None)


def _is_astray() -> Q:
    found = Q(pk=None)
    for name in Alignment.objects.order_by().values_list("framework", flat=True).distinct():
        edition = Framework.objects.current(name)
        if edition is not None:
            found |= Q(framework=name, code__in=[each.code for each in astray(edition)])
    return found


def one(row: Alignment) -> AlignmentPage:
    """Gather the page of one alignment."""
    edition = missing_here(row)
    gone = [each for each in astray(edition) if each.code == row.code] if edition else []
    siblings = row.skill.alignments.exclude(pk=row.pk).select_related("skill", "reviewed_by")
    return AlignmentPage(
        line=alignment_lines([row])[0],
        levels=levels_of(row.skill),
        seen=stands(row),
        relations=[(each.value, each.label) for each in Alignment.Relation],
        history=history(row),
        can_undo=can_undo(row),
        missing_in=edition,
        successors=gone[0].successors if gone else (),
        siblings=alignment_lines(siblings.order_by("framework", "code")),
        round=_round(row),
    )


def _round(row: Alignment) -> Round:
    listed = list(Alignment.objects.order_by(*_ORDER).values_list("pk", "reviewed_by"))
    here = [pk for pk, _ in listed].index(row.pk)
    before = [pk for pk, by in listed[:here] if by is None]
    behind = [pk for pk, by in listed[here + 1 :] if by is None]
    is_waiting = listed[here][1] is None
    return Round(
        place=len(before) + 1 if is_waiting else 0,
        waiting=len(before) + len(behind) + is_waiting,
        previous=before[-1] if before else None,
        following=next(iter(behind or before), None),
    )


def after(row: Alignment, action: str) -> int:
    """Return which alignment to show after a decision: the next that waits, or the same one."""
    following = _round(row).following if action in ("approve", "reject") else None
    return following or row.pk


def told(row: Alignment, action: str) -> str:
    """Say what was done, and that it can be undone."""
    what = f"{row.skill.name} and {row.framework}:{row.code}"
    words = {
        "approve": f"Approved: {what} are {row.get_relation_display()}.",
        "reject": f"Rejected: {what}. It counts nowhere from now on.",
        "undo": f"Undone: {what} stand as before, {row.review}.",
        "propose": f"Proposed: {what}. Somebody else reviews it.",
    }
    return words[action]
