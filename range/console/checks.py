"""Refuses settings with which the console role could not tell who is signed in."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

# Engines that keep sessions as rows, where the console role looks for hundreds at once.
ENGINES = (
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
)
WRONG_ENGINE = "console.E001"


def sessions_are_rows(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse a session engine whose sessions are not rows of the database."""
    if settings.SESSION_ENGINE in ENGINES:
        return []
    return [
        Error(
            f"SESSION_ENGINE is {settings.SESSION_ENGINE}; consoles admit people by the rows of "
            "Django's database sessions, so nobody could open one.",
            hint=f"Set SESSION_ENGINE to {ENGINES[0]}, or leave it out.",
            id=WRONG_ENGINE,
        )
    ]
