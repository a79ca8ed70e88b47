"""Looks at the database: whether it answers, knows vectors, and has every migration."""

from collections.abc import Iterator

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from range.operations.finding import Finding, ok, problem

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
    yield migrations()


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
