"""Looks at the database: whether it answers, knows vectors, is current, and estimates hold."""

from collections.abc import Iterator

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from range.operations.finding import Finding, Level, ok, problem
from range.pipeline.rebuild import last_rebuild

MINIMUM_VERSION = 160000


def look() -> Iterator[Finding]:
    """Look at everything here; without an answer there is nothing more to ask."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int")
            version = int(cursor.fetchone()[0])
            cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
            vectors = cursor.fetchone()
    except Error as error:
        yield problem(
            "Database",
            f"It does not answer: {' '.join(str(error).split())}",
            "Start the range with bin/up, or check DATABASE_URL.",
        )
        return
    yield server(version)
    yield extension(vectors[0] if vectors else None)
    pending = migrations()
    yield pending
    if pending.level is Level.OK:
        yield estimates()


def server(version: int) -> Finding:
    """Judge the server's version, a number such as 180004."""
    says = f"PostgreSQL {version // 10000}.{version % 10000}"
    if version < MINIMUM_VERSION:
        return problem("Database", says, "PostgreSQL 16 or newer is needed.")
    return ok("Database", says)


def extension(version: str | None) -> Finding:
    """Judge pgvector."""
    if version is None:
        return problem(
            "pgvector",
            "The database cannot store vectors.",
            "As its administrator: CREATE EXTENSION vector; then run bin/up again.",
        )
    return ok("pgvector", version)


def migrations() -> Finding:
    """Judge whether the tables are those of this version."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return problem("Migrations", f"{len(missing)} are missing.", "Run bin/up again.")
    return ok("Migrations", "All are applied.")


def estimates() -> Finding:
    """Judge what the nightly comparison of skill estimates with their log said last."""
    last = last_rebuild()
    if last is None:
        return ok("Estimates", "They were not compared with the log yet.")
    says = f"On {last.at:%Y-%m-%d} {last.differing} of {last.rows} differed from the log."
    if last.differing:
        return problem(
            "Estimates",
            says,
            "They were stored anew. Somebody or something had changed rows: read the worker's log.",
        )
    return ok("Estimates", says)
