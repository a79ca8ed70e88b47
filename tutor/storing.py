"""Writes one source with its chunks, incrementally: a vector whose text stayed is kept."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from tutor.chunking import Article, Piece
from tutor.identifiers import identifiers_of
from tutor.models import Chunk, Source

# A source is a document and no library; the place of a chunk in it is a small number.
MOST_PIECES = 4_000


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a document belongs and who may read it.

    Args:
        key: What names it among all sources.
        collection: What it is replaced with; empty for the range's own articles.
        scenario: Empty for every scenario.
        organisation_id: None for everybody.
    """

    key: str
    origin: str = Source.Origin.ARTICLE
    collection: str = ""
    scenario: str = ""
    organisation_id: uuid.UUID | None = None
    added_by_id: uuid.UUID | None = None


def store(place: Place, article: Article) -> bool:
    """Write one source and its chunks; False if it was there unchanged."""
    source = Source.objects.filter(key=place.key).first()
    if source and _is_unchanged(source, place, article):
        return False
    write(place, article)
    return True


def write(place: Place, article: Article) -> Source:
    """Write one source and its chunks, whatever was there."""
    front = article.front
    source, _ = Source.objects.update_or_create(
        key=place.key,
        defaults={
            "origin": place.origin,
            "collection": place.collection,
            "scenario": place.scenario,
            "organisation_id": place.organisation_id,
            "added_by_id": place.added_by_id,
            "title": front.title,
            "version": str(front.version)[:32],
            "license": front.license,
            "url": front.url[:300],
            "topics": front.topics,
            "skills": front.skills,
            "sha256": article.sha256,
            "ingested_at": timezone.now(),
        },
    )
    _store_chunks(source, article)
    return source


@transaction.atomic
def hold_exactly(
    collection: str, documents: Iterable[tuple[Place, Article]], *, kept: Iterable[str] = ()
) -> tuple[int, int]:
    """Make a collection hold exactly these; return how many changed and how many went.

    Args:
        kept: Keys that stay although nothing new came for them.
    """
    changed, keys = 0, set(kept)
    for place, article in documents:
        keys.add(place.key)
        changed += store(place, article)
    gone = Source.objects.filter(collection=collection).exclude(key__in=keys)
    removed = gone.count()
    gone.delete()
    return changed, removed


def learn_frequencies() -> None:
    """Let the server count how common each word is; searching asks it."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Chunk._meta.db_table}")


def _is_unchanged(source: Source, place: Place, article: Article) -> bool:
    return (
        source.sha256 == article.sha256
        and source.scenario == place.scenario
        and source.organisation_id == place.organisation_id
    )


def _store_chunks(source: Source, article: Article) -> None:
    """Replace a source's chunks; a vector whose text did not change is kept."""
    kept = {
        chunk.sha256: (chunk.embedding_model, chunk.embedding)
        for chunk in source.chunks.exclude(embedding=None)
    }
    if kept and source.chunks.exclude(title=source.title).exists():
        # A vector looks at the title too.
        kept = {}
    source.chunks.all().delete()
    pieces: Sequence[Piece] = article.pieces[:MOST_PIECES]
    Chunk.objects.bulk_create(
        _chunk(source, article, position, piece, kept.get(piece.sha256, ("", None)))
        for position, piece in enumerate(pieces)
    )


def _chunk(
    source: Source, article: Article, position: int, piece: Piece, vector: tuple[str, object]
) -> Chunk:
    return Chunk(
        source=source,
        position=position,
        scenario=source.scenario,
        organisation_id=source.organisation_id,
        objective=article.front.objective,
        min_rung=piece.min_rung,
        title=source.title,
        spoils=article.front.spoils,
        heading=piece.heading,
        text=piece.text,
        asks="\n".join(piece.asks),
        identifiers=identifiers_of(f"{source.title}\n{piece.heading}\n{piece.text}"),
        sha256=piece.sha256,
        embedding_model=vector[0],
        embedding=vector[1],
    )
