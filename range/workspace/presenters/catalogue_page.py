"""The catalogue's page: what is given, what comes next, and what the filters leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from range.accounts.access import has_role
from range.accounts.models import Membership, User
from range.workspace.presenters.assigned import assigned_work
from range.workspace.presenters.catalogue import Shelf, shelf_of, start_here
from range.workspace.presenters.filters import Browsed, browse
from range.workspace.presenters.recommended import recommended

# Cards a page begins with, and how many come at a time.
CARDS_AT_FIRST = 48
ROLE = "role"


@dataclass(frozen=True, kw_only=True)
class More:
    """The cards that are not shown yet."""

    count: int
    query: str


def catalogue_page(person: User, query: Mapping[str, str]) -> dict[str, Any]:
    """Gather what the catalogue shows to a person, filtered as the address says.

    What comes next is shown unfiltered, or towards the work role that is chosen.
    """
    shelf = shelf_of(person)
    browsed = browse(shelf.cards, query)
    given = assigned_work(person)
    wanted = _wanted(query)
    shown = browsed.kept[:wanted]
    first_new = wanted - CARDS_AT_FIRST
    return {
        "browsed": browsed,
        "total": len(shelf.cards),
        "shown": shown,
        "more": _more(browsed, wanted),
        # Where somebody asked for more, the keys go on at the first of what is new.
        "focus": shown[first_new].slug if 0 < first_new < len(shown) else "",
        "given": given,
        "past": shelf.past,
        "start_here": None if given or shelf.has_begun else start_here(shelf.cards),
    } | _ahead(person, shelf, browsed)


def address(context: Mapping[str, Any]) -> str:
    """Return the query under which the same page is found again."""
    browsed: Browsed = context["browsed"]
    pairs = [browsed.query] if browsed.query else []
    if (count := len(context["shown"])) > CARDS_AT_FIRST:
        pairs.append(urlencode({"shown": count}))
    return f"?{'&'.join(pairs)}" if pairs else ""


def _ahead(person: User, shelf: Shelf, browsed: Browsed) -> dict[str, Any]:
    """Return what to go on with and what comes next; a first visit begins at the beginning."""
    role = browsed.chosen.get(ROLE, "")
    is_narrowed = browsed.q or browsed.chosen.keys() - {ROLE}
    if is_narrowed or not (role or shelf.has_begun):
        return {}
    # What trainees are led to is of no use to whoever teaches them.
    is_led = has_role(person, Membership.Role.TRAINEE) and shelf.cards
    return {
        "under_way": shelf.under_way,
        "recommended": recommended(person, shelf.cards, role_code=role) if is_led else None,
    }


def _wanted(query: Mapping[str, str]) -> int:
    asked = query.get("shown", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
    return max(CARDS_AT_FIRST, number)


def _more(browsed: Browsed, wanted: int) -> More | None:
    left = len(browsed.kept) - wanted
    if left <= 0:
        return None
    parts = [browsed.query] if browsed.query else []
    query = "&".join([*parts, urlencode({"shown": wanted + CARDS_AT_FIRST})])
    return More(count=min(left, CARDS_AT_FIRST), query=query)
