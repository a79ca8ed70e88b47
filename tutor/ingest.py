"""Brings articles into the index: idempotent, incremental by digest, embedded where possible."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction

from range.lib.logs import get_logger
from tutor.chunking import Article, ArticleInvalid, Piece, parse
from tutor.identifiers import identifiers_of
from tutor.models import Chunk, Source
from tutor.providers.embedding import EmbeddingModel, EmbeddingUnavailable
from tutor.vectors import kind_of, vectors_of

log = get_logger(__name__)

ARTICLES = Path(__file__).parent / "knowledge"
EMBED_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file to ingest and whom it is for; `scenario` is empty for everybody."""

    path: Path
    scenario: str = ""

    @property
    def name(self) -> str:
        """Return what messages and rows call it."""
        return f"{self.scenario or 'general'}/{self.path.stem}"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What one ingestion did.

    Args:
        problems: Why documents were left out; what stood of them before still stands.
    """

    sources: int
    changed: int
    removed: int
    chunks: int
    embedded: int
    waiting: int
    problems: tuple[str, ...] = ()


def documents(scenarios: Path, *, articles: Path = ARTICLES) -> list[Document]:
    """Return every article of the project and of its scenarios, in a fixed order."""
    general = [Document(path=path) for path in sorted(articles.glob("*.md"))]
    scoped = [
        Document(path=path, scenario=path.parent.parent.name)
        for path in sorted(scenarios.glob("*/knowledge/*.md"))
    ]
    return general + scoped


def ingest(wanted: Sequence[Document], model: EmbeddingModel | None) -> Tally:
    """Make the index hold exactly these documents, then embed what has no vector yet.

    A document that cannot be read is left out and named; it keeps nobody else from help.
    """
    read, problems = _read(wanted)
    with transaction.atomic():
        changed = sum([_store(document, article) for document, article in read])
        gone = Source.objects.exclude(key__in=[document.name for document in wanted])
        removed = gone.count()
        gone.delete()
    if changed or removed:
        _learn_frequencies()
    embedded = embed_waiting(model) if model else 0
    return Tally(
        sources=len(read),
        changed=changed,
        removed=removed,
        chunks=Chunk.objects.count(),
        embedded=embedded,
        waiting=Chunk.objects.filter(embedding=None).count(),
        problems=tuple(problems),
    )


def _learn_frequencies() -> None:
    """Let the server count how common each word is; searching asks it."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Chunk._meta.db_table}")


def _read(wanted: Sequence[Document]) -> tuple[list[tuple[Document, Article]], list[str]]:
    read, problems = list[tuple[Document, Article]](), list[str]()
    for document in wanted:
        try:
            text = document.path.read_text(encoding="utf-8")
            read.append((document, parse(text, name=document.name)))
        except ArticleInvalid as error:
            problems.append(error.message)
        except (OSError, UnicodeDecodeError):
            problems.append(f"{document.name}: it cannot be read as UTF-8 text.")
    return read, problems


def _store(document: Document, article: Article) -> bool:
    """Write one source and its chunks; False if it was there unchanged."""
    source = Source.objects.filter(key=document.name).first()
    if source and source.sha256 == article.sha256:
        return False
    front = article.front
    source, _ = Source.objects.update_or_create(
        key=document.name,
        defaults={
            "scenario": document.scenario,
            "title": front.title,
            "version": str(front.version),
            "license": front.license,
            "url": front.url,
            "topics": front.topics,
            "skills": front.skills,
            "sha256": article.sha256,
        },
    )
    _store_chunks(source, article)
    return True


def _store_chunks(source: Source, article: Article) -> None:
    """Replace a source's chunks; a vector whose text did not change is kept."""
    kept = {
        chunk.sha256: (chunk.embedding_model, chunk.embedding)
        for chunk in source.chunks.exclude(embedding=None)
    }
    source.chunks.all().delete()
    Chunk.objects.bulk_create(
        _chunk(source, article, position, piece, kept.get(piece.sha256, ("", None)))
        for position, piece in enumerate(article.pieces)
    )


def _chunk(
    source: Source, article: Article, position: int, piece: Piece, vector: tuple[str, object]
) -> Chunk:
    return Chunk(
        source=source,
        position=position,
        scenario=source.scenario,
        objective=article.front.objective,
        min_rung=piece.min_rung,
        title=source.title,
        spoils=article.front.spoils,
        heading=piece.heading,
        text=piece.text,
        identifiers=identifiers_of(f"{source.title}\n{piece.heading}\n{piece.text}"),
        sha256=piece.sha256,
        embedding_model=vector[0],
        embedding=vector[1],
    )


def embed_waiting(model: EmbeddingModel) -> int:
    """Embed chunks without a vector of this model; 0 while the model cannot be had."""
    kind = kind_of(model)
    waiting = Chunk.objects.exclude(embedding_model=kind)
    done = 0
    for batch in _batches(waiting.order_by("source__key", "position")):
        try:
            vectors = vectors_of(batch, model)
        except EmbeddingUnavailable as error:
            log.info("knowledge.embedding.waiting", reason=error.reason)
            return done
        for chunk, vector in zip(batch, vectors, strict=True):
            chunk.embedding, chunk.embedding_model = vector, kind
        Chunk.objects.bulk_update(batch, ["embedding", "embedding_model"])
        done += len(batch)
    return done


def _batches(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    batch: list[Chunk] = []
    for chunk in list(chunks):
        batch.append(chunk)
        if len(batch) == EMBED_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
