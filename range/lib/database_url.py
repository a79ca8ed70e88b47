"""Turns a Postgres URL into Django's database entry."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from range.lib.env import EnvError

_OPTIONS = {
    "dbname": "NAME",
    "user": "USER",
    "password": "PASSWORD",
    "host": "HOST",
    "port": "PORT",
}


CONNECT_SECONDS = 5
IDLE_SECONDS = 120


def entry(url: str, *, pool: int = 0, keep_seconds: int = 0) -> dict[str, Any]:
    """Return the entry for `DATABASES`, with time-outs and checks.

    Args:
        pool: How many connections the process shares among its requests; 0 for one each.
        keep_seconds: How long a thread keeps its own connection, where none are shared.

    Raises:
        EnvError: It is no Postgres URL, or it names no database.
    """
    parsed = parse(url)
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, **parsed["OPTIONS"]}
    if pool:
        sizes = {"min_size": min(2, pool), "max_size": pool}
        options["pool"] = {**sizes, "timeout": CONNECT_SECONDS, "max_idle": IDLE_SECONDS}
    age = 0 if pool else keep_seconds
    return {**parsed, "CONN_MAX_AGE": age, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


def parse(url: str) -> dict[str, Any]:
    """Return the entry for `DATABASES`; a socket's folder is written `?host=/folder`.

    Raises:
        EnvError: It is no Postgres URL, or it names no database.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise EnvError("DATABASE_URL must begin with postgresql://; only Postgres is supported.")
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise EnvError(f"DATABASE_URL cannot be read: {error}") from error
    if not given.get("dbname"):
        raise EnvError("DATABASE_URL must name a database, as in postgresql://host/muster.")
    entry: dict[str, Any] = {
        django: str(given.pop(name, "") or "") for name, django in _OPTIONS.items()
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        **entry,
        "OPTIONS": {name: value for name, value in given.items() if value is not None},
    }
