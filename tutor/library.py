"""Shapes what the tutor may quote for whoever teaches: their own texts, and collections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from range.accounts.models import Organisation
from range.catalog.models import Scenario
from tutor.markup import render
from tutor.models import Chunk, Source
from tutor.providers import registry
from tutor.rungs import RUNGS, RungText, describe
from tutor.vectors import kind_of

SOURCES_SHOWN = 100
CHUNKS_SHOWN = 60
# Before the scenario that the range's own articles are for; no collection is called so.
ARTICLES = "~"
_EVERYTHING = "Every scenario"
_SEVERAL = "several"
_NAMES = {
    "attack": "MITRE ATT&CK",
    "cwe": "Common Weakness Enumeration",
    "man": "Manual pages of the machines",
    "sigma": "Sigma detection rules",
    "tldr": "tldr pages",
}


type _Told = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """One source with its passages.

    Args:
        waiting: How many passages have no vector yet.
    """

    source: Source
    scope: str
    rung: RungText
    spoils: bool
    chunks: int
    waiting: int

    @property
    def percent(self) -> int:
        """Return how far embedding is."""
        return 100 * (self.chunks - self.waiting) // self.chunks if self.chunks else 100


@dataclass(frozen=True, kw_only=True)
class CollectionLine:
    """Sources that are replaced together."""

    key: str
    name: str
    scope: str
    version: str
    license: str
    sources: int
    chunks: int


@dataclass(frozen=True, kw_only=True)
class LibraryPage:
    """Everything the page of knowledge lists."""

    own: Sequence[SourceLine]
    collections: Sequence[CollectionLine]
    schools: Sequence[Organisation]

    @property
    def waiting(self) -> int:
        """Return how many passages of one's own have no vector yet."""
        return sum(line.waiting for line in self.own)


@dataclass(frozen=True, kw_only=True)
class CollectionPage:
    """The sources of one collection, some at a time."""

    line: CollectionLine
    lines: Sequence[SourceLine]
    more: int
    sought: str


@dataclass(frozen=True, kw_only=True)
class ChunkView:
    """One passage as it would be quoted.

    Args:
        state: In a preview: `new` or `kept`; empty elsewhere.
    """

    heading: str
    html: str
    rung: RungText
    characters: int
    state: str = ""
    warning: bool = False
    asks: Sequence[str] = field(default=())


def library_page(schools: Sequence[Organisation]) -> LibraryPage:
    """Return the schools' own texts and every collection they may read."""
    ids = [school.pk for school in schools]
    own = Source.objects.filter(origin=Source.Origin.UPLOAD, organisation__in=ids)
    return LibraryPage(
        own=lines_of(own.order_by("title", "pk")),
        collections=_collections(ids),
        schools=schools,
    )


def collection_page(
    schools: Sequence[Organisation], key: str, *, sought: str = ""
) -> CollectionPage | None:
    """Return a collection's sources; None where there is no such collection to read."""
    ids = [school.pk for school in schools]
    line = next((each for each in _collections(ids) if each.key == key), None)
    if line is None:
        return None
    found = _readable(ids).filter(**_as_filter(key))
    if sought:
        found = found.filter(title__icontains=sought)
    shown = lines_of(found.order_by("title", "pk")[:SOURCES_SHOWN])
    return CollectionPage(
        line=line, lines=shown, more=max(0, found.count() - len(shown)), sought=sought
    )


def lines_of(sources: QuerySet[Source]) -> list[SourceLine]:
    """Return sources as lines, in their order."""
    listed = list(sources.select_related("added_by", "organisation"))
    rows = Chunk.objects.filter(source__in=[each.pk for each in listed]).values("source")
    waiting = Count("pk", filter=~Q(embedding_model=_kind()))
    told = {
        row["source"]: row
        for row in rows.annotate(
            chunks=Count("pk"),
            waiting=waiting,
            rung=Min("min_rung"),
            spoils=Count("pk", filter=Q(spoils=True)),
        ).order_by()
    }
    titles = _titles()
    return [_line(each, cast(_Told, told.get(each.pk, {})), titles) for each in listed]


def chunks_of(source: Source) -> list[ChunkView]:
    """Return a source's first passages as they are quoted."""
    found = Chunk.objects.filter(source=source).order_by("position")[:CHUNKS_SHOWN]
    return [
        ChunkView(
            heading=each.heading,
            html=render(each.text),
            rung=describe(each.min_rung),
            characters=len(each.text),
            asks=each.asks.splitlines(),
        )
        for each in found
    ]


def rungs() -> Sequence[RungText]:
    """Return what may be chosen as the lowest rung."""
    return RUNGS


def scope_of(scenario: str, titles: Mapping[str, str] | None = None) -> str:
    """Return for which scenario something is, in words."""
    known = _titles() if titles is None else titles
    return known.get(scenario, scenario) if scenario else _EVERYTHING


def _line(source: Source, told: _Told, titles: Mapping[str, str]) -> SourceLine:
    return SourceLine(
        source=source,
        scope=scope_of(source.scenario, titles),
        rung=describe(told.get("rung", 0)),
        spoils=bool(told.get("spoils", False)),
        chunks=told.get("chunks", 0),
        waiting=told.get("waiting", 0),
    )


def _readable(organisations: Sequence[UUID]) -> QuerySet[Source]:
    theirs = Q(organisation=None) | Q(organisation__in=organisations)
    return Source.objects.filter(theirs).exclude(origin=Source.Origin.UPLOAD)


def _collections(organisations: Sequence[UUID]) -> list[CollectionLine]:
    titles = _titles()
    rows = (
        _readable(organisations)
        .values("origin", "collection", "scenario")
        .annotate(
            sources=Count("pk", distinct=True),
            passages=Count("chunks"),
            oldest=Min("version"),
            newest=Max("version"),
            first=Min("license"),
            last=Max("license"),
        )
        .order_by("origin", "scenario", "collection")
    )
    return [
        CollectionLine(
            key=row["collection"] or f"{ARTICLES}{row['scenario']}",
            name=_name(row["collection"], row["scenario"], titles),
            scope=scope_of(row["scenario"], titles),
            version=row["oldest"] if row["oldest"] == row["newest"] else _SEVERAL,
            license=row["first"] if row["first"] == row["last"] else _SEVERAL,
            sources=row["sources"],
            chunks=row["passages"],
        )
        for row in rows
    ]


def _as_filter(key: str) -> dict[str, str]:
    if key.startswith(ARTICLES):
        return {"collection": "", "scenario": key.removeprefix(ARTICLES)}
    return {"collection": key}


def _name(collection: str, scenario: str, titles: Mapping[str, str]) -> str:
    if not collection:
        about = f"Articles of {scope_of(scenario, titles)}"
        return about if scenario else "The range's own articles"
    bare = collection.partition("-for-")[0]
    return _NAMES.get(bare, bare)


def _titles() -> dict[str, str]:
    return dict(Scenario.objects.values_list("slug", "title"))


def _kind() -> str:
    return kind_of(registry.embedding())
