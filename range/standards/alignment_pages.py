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
        waiting: Further ones that nobody reviewed.
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
    waiting: int
    next_id: int | None


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
        waiting=_waiting().count(),
        next_id=_next(row),
    )


def _next(row: Alignment) -> int | None:
    """Return the unreviewed alignment that follows in the list, else the first one."""
    here = (row.skill.name, row.framework, row.code, row.pk)
    waiting = list(_waiting().exclude(pk=row.pk).order_by(*_ORDER).values_list(*_ORDER))
    following = [each for each in waiting if each > here] or waiting
    return following[0][-1] if following else None


def after(row: Alignment, action: str) -> int:
    """Return which alignment to show after a decision: the next that waits, or the same one."""
    following = _next(row) if action in ("approve", "reject") else None
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
