"""Which sets of people a report may tell the makeup of, so that nobody's group follows; pure."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

type People = frozenset[uuid.UUID]
# How many reached a line, and "≤" or "≥" where that is a bound, else "".
type Told = tuple[int, str]

# No group, and no set of people who reached the same of all lines told, is smaller.
SMALLEST = 30
# Of no set is it told that fewer than so many are in a group, or outside of it.
UNTOLD = 3


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A line that some candidates reached.

    Args:
        part: What it is a cut of: the stages, or a work role.
    """

    part: str
    name: str
    people: People


def refined(atoms: Iterable[People], people: People) -> list[People]:
    """Return the parts into which a set cuts those that earlier ones left together."""
    parts = (part for atom in atoms for part in (atom & people, atom - people))
    return [part for part in parts if part]


def tellable(cuts: Iterable[Cut], everybody: People) -> list[Cut]:
    """Return the cuts that may be told together, the first ones first.

    Whoever knows who reached which line may add and subtract what is told of them as they like:
    nothing that comes out tells apart people who reached the same lines. So a cut is told only
    where it tells some apart, and leaves nobody among fewer than the least.
    """
    atoms = [everybody]
    found = []
    for cut in cuts:
        parts = refined(atoms, cut.people)
        if len(parts) > len(atoms) and all(len(part) >= SMALLEST for part in parts):
            atoms = parts
            found.append(cut)
    return found


def shown(sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the groups that may be shown; what is hidden is together too large to single out.

    Nothing is shown where fewer than two groups are left: there is nothing to compare.
    """
    kept = {group: size for group, size in sizes.items() if size >= SMALLEST}
    hidden = sum(sizes.values()) - sum(kept.values())
    if 0 < hidden < SMALLEST and kept:
        kept.pop(min(kept, key=lambda group: kept[group]))
    return kept if len(kept) > 1 else {}


def told_of(
    reached: Mapping[str, int], sizes: Mapping[str, int], *, selected: int, others: int, hidden: int
) -> dict[str, Told]:
    """Return how many of each group reached a line; nothing where that would say too much.

    What the groups shown leave of the selected falls to everybody else. So a line is told only
    where every figure within every bound stays possible, and where neither nobody nor everybody
    of the groups that are hidden reached it.

    Args:
        selected: Everybody who reached the line, of any group and of none.
        others: Everybody who did not.
        hidden: How many are of groups that are not shown.
    """
    told = {
        group: bounded(reached[group], size, selected=selected, others=others)
        for group, size in sizes.items()
    }
    spans = [_span(told[group], size, selected, others) for group, size in sizes.items()]
    low, high = _ends(selected + others - sum(sizes.values()), selected, others)
    untold = UNTOLD + 1 if hidden else 0
    rest = (low + untold, high - untold)
    lowest, highest = (sum(ends) for ends in zip(rest, *spans, strict=True))
    is_open = all(
        lowest + last - first <= selected <= highest - last + first for first, last in spans
    )
    fits = rest[0] <= selected - sum(reached.values()) <= rest[1]
    return told if is_open and fits else {}


def bounded(reached: int, size: int, *, selected: int, others: int) -> Told:
    """Return how many of a group reached a line, or a bound.

    That nobody or everybody of a group did, or that everybody who did is of it, is never told.
    """
    first, last = _ends(size, selected, others)
    low, high = first + UNTOLD, last - UNTOLD
    if reached <= low:
        return low, "≤"
    if reached >= high:
        return high, "≥"
    return reached, ""


def _ends(size: int, selected: int, others: int) -> tuple[int, int]:
    return max(0, size - others), min(size, selected)


def _span(told: Told, size: int, selected: int, others: int) -> tuple[int, int]:
    """Return the least and the most that a told figure may stand for."""
    first, last = _ends(size, selected, others)
    reached, bound = told
    return (first if bound == "≤" else reached), (last if bound == "≥" else reached)
