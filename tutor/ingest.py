"""Brings the range's own articles into the index, and embeds whatever has no vector yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db.models import QuerySet

from range.lib.logs import get_logger
from tutor.chunking import Article, ArticleInvalid, parse
from tutor.models import Chunk
from tutor.providers.embedding import EmbeddingModel, EmbeddingUnavailable
from tutor.storing import Place, hold_exactly, learn_frequencies
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
    """Make the index hold exactly these documents of the range's own, then embed what waits.

    A document that cannot be read is left out and named; it keeps nobody else from help. What
    operators imported and instructors gave is left alone.
    """
    read, problems = _read(wanted)
    placed = ((Place(key=each.name, scenario=each.scenario), article) for each, article in read)
    changed, removed = hold_exactly("", placed, kept=[document.name for document in wanted])
    return finished(len(read), changed=changed, removed=removed, problems=problems, model=model)


def finished(
    sources: int,
    *,
    changed: int,
    removed: int,
    problems: Sequence[str],
    model: EmbeddingModel | None,
) -> Tally:
    """Let the server learn what changed, embed it, and say what came of it."""
    if changed or removed:
        learn_frequencies()
    embedded = embed_waiting(model) if model else 0
    return Tally(
        sources=sources,
        changed=changed,
        removed=removed,
        chunks=Chunk.objects.count(),
        embedded=embedded,
        waiting=Chunk.objects.filter(embedding=None).count(),
        problems=tuple(problems),
    )


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


def embed_waiting(model: EmbeddingModel, *, at_most: int | None = None) -> int:
    """Embed chunks without a vector of this model; 0 while the model cannot be had.

    Args:
        at_most: So many now, for whoever has other work as well; None for all.
    """
    kind = kind_of(model)
    waiting: QuerySet[Chunk, UUID] = (
        Chunk.objects.exclude(embedding_model=kind)
        .order_by("source__key", "position")
        .values_list("pk", flat=True)
    )
    done = 0
    for batch in _batches(list(waiting[:at_most])):
        try:
            vectors = vectors_of(batch, model)
        except EmbeddingUnavailable as error:
            log.info("knowledge.embedding.waiting", reason=error.reason)
            return done
        for chunk, vector in zip(batch, vectors, strict=True):
            chunk.embedding, chunk.embedding_model = vector, kind
        # What was replaced meanwhile is gone, and an update of it finds nothing.
        Chunk.objects.bulk_update(batch, ["embedding", "embedding_model"])
        done += len(batch)
    return done


def _batches(waiting: Sequence[UUID]) -> Iterator[list[Chunk]]:
    for start in range(0, len(waiting), EMBED_AT_ONCE):
        yield list(Chunk.objects.filter(pk__in=waiting[start : start + EMBED_AT_ONCE]))
