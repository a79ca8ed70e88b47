"""Measures a search among fifty thousand chunks: synthetic vectors and texts, real indexes."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence

from django.db import connection

from tutor.evaluation.figures import p95
from tutor.evaluation.sets import labelled
from tutor.identifiers import identifiers_of
from tutor.models import Chunk, Source
from tutor.overlap import sentences
from tutor.providers.embedding import EmbeddingModel
from tutor.retrieval import Wanted, looked_up, search
from tutor.vectors import kind_of

CHUNKS = 50_000
SCOPES = 20
BATCH = 1_000
# Near enough to its origin to have neighbours as real text has, far enough to be none of it.
NOISE = 0.035
SENTENCES_A_CHUNK = 7
QUERIES = 200


class Remembered:
    """Gives the vectors of questions at once: embedding is reported apart."""

    def __init__(self, model: EmbeddingModel, texts: Sequence[str]) -> None:
        self.name = model.name
        began = time.perf_counter()
        self._vectors = {text: model.embed([text])[0] for text in map(looked_up, texts)}
        self.embedding_ms = 1000 * (time.perf_counter() - began) / max(1, len(texts))

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return what was embedded before."""
        return [self._vectors[text] for text in texts]


def fill(model: EmbeddingModel, *, chunks: int = CHUNKS, seed: int = 1) -> None:
    """Add synthetic chunks until there are so many, and let the server learn about them.

    Vectors are those of real chunks moved at random; texts are mixed from real sentences, so that
    words are as common as in real articles.
    """
    rng = random.Random(seed)  # noqa: S311
    origins = list(Chunk.objects.filter(embedding_model=kind_of(model)).order_by("pk"))
    sources = [_source(number) for number in range(SCOPES)]
    definition = _without_index()
    for start in range(Chunk.objects.count(), chunks, BATCH):
        count = min(BATCH, chunks - start)
        Chunk.objects.bulk_create(_synthetic(rng, origins, sources, kind_of(model), start, count))
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(definition)
        cursor.execute("ANALYZE tutor_chunk")


def measure(model: EmbeddingModel, *, queries: int = QUERIES) -> tuple[float | None, float]:
    """Return the 95th percentile of a search in milliseconds, and the mean of embedding apart."""
    asked = [labelled()[at % len(labelled())] for at in range(queries)]
    remembered = Remembered(model, [each.ask for each in asked])
    took = list[float]()
    for number, each in enumerate(asked):
        wanted = Wanted(
            text=each.ask, rung=number % 4, scenario=f"scope-{number % SCOPES}", objective="any"
        )
        began = time.perf_counter()
        search(wanted, model=remembered)
        took.append(1000 * (time.perf_counter() - began))
    return p95(took), round(remembered.embedding_ms, 1)


def _source(number: int) -> Source:
    # Half of the sources belong to one scenario each, so that the filter has something to do.
    scope = f"scope-{number}" if number % 2 else ""
    return Source.objects.create(
        key=f"synthetic/{number}-{uuid.uuid4().hex[:8]}",
        scenario=scope,
        title=f"Synthetic {number}",
        version="1",
        license="Apache-2.0",
        sha256="0" * 64,
    )


def _without_index() -> str:
    """Take the vectors' index away while many rows come; return how to make it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'tutor_chunk' "
            "AND indexdef LIKE '%USING hnsw%'"
        )
        name, definition = cursor.fetchone()
        cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    return str(definition)


def _synthetic(
    rng: random.Random,
    origins: Sequence[Chunk],
    sources: Sequence[Source],
    kind: str,
    start: int,
    count: int,
) -> Iterator[Chunk]:
    import numpy

    pool = [part for origin in origins for part in sentences(origin.text)]
    noise = numpy.random.default_rng(start)
    for position in range(start, start + count):
        origin, source = rng.choice(origins), sources[position % len(sources)]
        text = " ".join(rng.sample(pool, SENTENCES_A_CHUNK))
        moved = numpy.asarray(origin.embedding) + noise.normal(0, NOISE, len(origin.embedding))
        yield Chunk(
            source=source,
            position=position // len(sources),
            scenario=source.scenario,
            min_rung=rng.choice((0, 1, 1, 2, 2, 3)),
            spoils=rng.random() < 0.05,
            title=source.title,
            heading=origin.heading,
            text=text,
            identifiers=identifiers_of(text),
            sha256=f"{position:064d}",
            embedding_model=kind,
            embedding=(moved / numpy.linalg.norm(moved)).tolist(),
        )
