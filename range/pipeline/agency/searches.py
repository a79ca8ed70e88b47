"""Searches that assessors keep: what was asked, never who was found."""

import uuid

from django.db.models import QuerySet

from range.accounts.access import agencies_of
from range.accounts.models import Organisation, User
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.pipeline.agency.asked import Asked
from range.pipeline.models import SavedSearch

MOST = 30
# As an address writes it: a letter with an accent takes six.
LONGEST = 500


class SearchRefused(RangeError):
    """A search was not kept; the message says why."""


def searches_of(viewer: User, agency: Organisation) -> QuerySet[SavedSearch]:
    """Return the viewer's own searches of an agency, by name."""
    return SavedSearch.objects.filter(owner=viewer, agency=agency).order_by("name")


def keep(viewer: User, agency: Organisation, *, name: str, asked: Asked) -> SavedSearch:
    """Keep a search under a name; the same name again replaces what it held.

    Raises:
        SearchRefused: No name, too long to keep, or too many are kept.
    """
    name = " ".join(storable(name).split())[:80]
    if not name:
        raise SearchRefused("Give the search a name.", reason="search-name")
    if len(asked.kept) > LONGEST:
        raise SearchRefused(
            "There is no room to keep so long a search. Shorten the name that it looks for.",
            reason="search-long",
        )
    own = searches_of(viewer, agency)
    if not own.filter(name=name).exists() and own.count() >= MOST:
        raise SearchRefused(
            f"You keep {MOST} searches, which is the most there is room for. Forget one first.",
            reason="search-room",
        )
    kept, _ = SavedSearch.objects.update_or_create(
        owner=viewer, agency=agency, name=name, defaults={"query": asked.kept}
    )
    return kept


def forget(viewer: User, search_id: uuid.UUID) -> str:
    """Forget one of the viewer's own searches and return its name.

    Raises:
        SearchRefused: There is none such.
    """
    own = SavedSearch.objects.filter(owner=viewer, agency__in=agencies_of(viewer), pk=search_id)
    found = own.first()
    if found is None:
        raise SearchRefused("There is no such search.", reason="search-missing", status=404)
    found.delete()
    return found.name
