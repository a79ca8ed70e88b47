"""Which sets of people a report may tell the makeup of, so that nobody's group follows; pure."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

type People = frozenset[uuid.UUID]

# No group, and no set of people that could be subtracted out of what was told, is smaller.
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


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A set of people, and those within it who reached some line, as reports told of them."""

    everybody: People
    reached: Sequence[People]

    @property
    def sets(self) -> list[People]:
        """Return every set whose makeup follows from what was told."""
        left = [self.everybody - each for each in self.reached]
        return [self.everybody, *self.reached, *left]


def is_apart(people: People, known: Iterable[People]) -> bool:
    """Tell whether a set differs from each known one, and from nobody, by enough people."""
    return len(people) >= SMALLEST and all(
        # Sizes far apart settle it without a look at the people.
        abs(len(people) - len(other)) >= SMALLEST or len(people ^ other) >= SMALLEST
        for other in known
    )


def tellable(cuts: Iterable[Cut], everybody: People, told: Sequence[Telling]) -> list[Cut]:
    """Return the cuts that may be told beside all that was told before, the first ones first.

    Whoever knows who reached two lines learns the makeup of those in whom they differ. So a cut
    is told only where those who reached it, and those who did not, differ from every set told of
    by enough people. None of them, if everybody together does not.
    """
    known = [each for telling in told for each in telling.sets]
    if not is_apart(everybody, known):
        return []
    known.append(everybody)
    found = []
    for cut in cuts:
        pair = (cut.people & everybody, everybody - cut.people)
        if all(is_apart(each, known) for each in pair):
            known += pair
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


def bounded(reached: int, size: int, *, selected: int, others: int) -> tuple[int, str]:
    """Return how many of a group reached a line, and whether that is a bound: "", "≤" or "≥".

    That nobody or everybody of a group did, or that everybody who did is of it, is never told.

    Args:
        selected: Everybody who reached the line, of any group and of none.
        others: Everybody who did not.
    """
    low = max(0, size - others) + UNTOLD
    high = min(size, selected) - UNTOLD
    if reached <= low:
        return low, "≤"
    if reached >= high:
        return high, "≥"
    return reached, ""
