"""Measures a search among many thousand chunks: synthetic vectors and texts, real indexes."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from django.db import connection

from range.accounts.models import Organisation
from tutor import retrieval
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
SYNTHETIC = "synthetic/"
BATCH = 1_000
# Near enough to its origin to have neighbours as real text has, far enough to be none of it.
NOISE = 0.035
SENTENCES_A_CHUNK = 7
QUERIES = 200
COMPARED = 40


@dataclass(frozen=True, kw_only=True)
class Large:
    """What a search in a large index takes, and what its index costs and loses.

    Args:
        recall: Share of the nearest by a whole scan that the index finds, under the filters.
    """

    p50_ms: float
    p95_ms: float | None
    embedding_ms: float
    recall: float
    build_seconds: float
    index_mib: float


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


def fill(model: EmbeddingModel, *, chunks: int = CHUNKS, seed: int = 1) -> float:
    """Add synthetic chunks until there are so many; return how long their index took to make.

    Vectors are those of real chunks moved at random; texts are mixed from real sentences, so that
    words are as common as in real articles.
    """
    rng = random.Random(seed)  # noqa: S311
    real = Chunk.objects.exclude(source__key__startswith=SYNTHETIC)
    origins = list(real.filter(embedding_model=kind_of(model)).order_by("pk"))
    school, _ = Organisation.objects.get_or_create(
        slug="measured", defaults={"name": "Measured", "kind": Organisation.Kind.SCHOOL}
    )
    sources = [_source(number, school) for number in range(SCOPES)]
    pool = [part for origin in origins for part in sentences(origin.text)]
    definition = _without_index()
    for start in range(Chunk.objects.count(), chunks, BATCH):
        count = min(BATCH, chunks - start)
        made = _synthetic(rng, origins, pool, sources, kind_of(model), range(start, start + count))
        Chunk.objects.bulk_create(made)
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        began = time.perf_counter()
        cursor.execute(definition)
        took = time.perf_counter() - began
        cursor.execute("VACUUM ANALYZE tutor_chunk")
    return took


def measure(model: EmbeddingModel, *, built: float = 0.0, queries: int = QUERIES) -> Large:
    """Search as trainees of many scenarios and two schools do, at every rung.

    Args:
        built: How long the index took to make.
    """
    asked = [labelled()[at % len(labelled())] for at in range(queries)]
    remembered = Remembered(model, [each.ask for each in asked])
    wanted = [_wanted(each.ask, number) for number, each in enumerate(asked)]
    for each in wanted[:SCOPES]:
        search(each, model=remembered)
    took = list[float]()
    for each in wanted:
        began = time.perf_counter()
        search(each, model=remembered)
        took.append(1000 * (time.perf_counter() - began))
    compared = wanted[:COMPARED]
    return Large(
        p50_ms=round(median(took), 1),
        p95_ms=p95(took),
        embedding_ms=round(remembered.embedding_ms, 1),
        recall=round(sum(_kept(each, remembered) for each in compared) / len(compared), 3),
        build_seconds=round(built, 1),
        index_mib=round(_index_bytes() / (1 << 20), 1),
    )


def _wanted(text: str, number: int) -> Wanted:
    school = Organisation.objects.filter(slug="measured").first() if number % 3 == 0 else None
    return Wanted(
        text=text,
        rung=number % 4,
        scenario=f"scope-{number % SCOPES}",
        objective="any",
        organisation=school.pk if school else None,
    )


def _kept(wanted: Wanted, model: EmbeddingModel) -> float:
    """Return the share of the truly nearest that the index finds."""
    found, exact = (retrieval.nearest(wanted, model=model, exact=how) for how in (False, True))
    return len(set(found) & set(exact)) / len(exact) if exact else 1.0


def _index_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('chunk_embedding_hnsw')")
        return int(cursor.fetchone()[0])


def _source(number: int, school: Organisation) -> Source:
    # Half of the sources belong to one scenario each, so that the filter has something to do.
    scope = f"scope-{number}" if number % 2 else ""
    return Source.objects.create(
        key=f"{SYNTHETIC}{number}-{uuid.uuid4().hex[:8]}",
        scenario=scope,
        organisation=school if number % 5 == 0 else None,
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
    pool: Sequence[str],
    sources: Sequence[Source],
    kind: str,
    positions: range,
) -> Iterator[Chunk]:
    import numpy

    noise = numpy.random.default_rng(positions.start)
    for position in positions:
        origin, source = rng.choice(origins), sources[position % len(sources)]
        text = " ".join(rng.sample(pool, SENTENCES_A_CHUNK))
        moved = numpy.asarray(origin.embedding) + noise.normal(0, NOISE, len(origin.embedding))
        yield Chunk(
            source=source,
            position=position // len(sources),
            scenario=source.scenario,
            organisation_id=source.organisation_id,
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
