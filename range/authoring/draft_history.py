"""Which revisions of a draft are kept: the newest and the named always, others ever sparser."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from range.authoring.models import Draft, DraftRevision

NEWEST_KEPT = 10
# Between two that are kept, by how old they are.
SPACING = (
    (timedelta(hours=1), timedelta(minutes=2)),
    (timedelta(days=1), timedelta(minutes=30)),
    (timedelta(days=14), timedelta(hours=12)),
)
LAST_SPACING = timedelta(days=7)
KEPT_LIMIT_BYTES = 96 << 20


def thin(draft: Draft, *, now: datetime) -> int:
    """Remove revisions that lie close to others; return how many."""
    rows = draft.revisions.order_by("-number").defer("files")
    doomed = superfluous(list(rows), now=now)
    return draft.revisions.filter(pk__in=[each.pk for each in doomed]).delete()[0]


def superfluous(newest_first: Iterable[DraftRevision], *, now: datetime) -> list[DraftRevision]:
    """Return the revisions that can go; never the newest ones, nor one with a name."""
    doomed: list[DraftRevision] = []
    last_kept: datetime | None = None
    total = 0
    for place, revision in enumerate(newest_first):
        fixed = place < NEWEST_KEPT or bool(revision.name)
        close = last_kept is not None and last_kept - revision.made_at < _spacing(
            now - revision.made_at
        )
        if not fixed and (close or total + revision.size_bytes > KEPT_LIMIT_BYTES):
            doomed.append(revision)
            continue
        total += revision.size_bytes
        if not revision.name:
            last_kept = revision.made_at
    return doomed


def _spacing(age: timedelta) -> timedelta:
    return next((space for limit, space in SPACING if age < limit), LAST_SPACING)
