"""The one place that tells the time and waits, so that verification can run faster than life."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class _Clock:
    scale: float = 1.0
    frozen_at: datetime | None = None


_clock = _Clock()


def now() -> datetime:
    """Return the present moment in UTC."""
    return _clock.frozen_at or datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that never run backwards, for measuring only."""
    return time.monotonic()


def scaled(duration: timedelta) -> timedelta:
    """Return how long `duration` lasts at the present scale."""
    return duration * _clock.scale


def sleep(duration: timedelta) -> None:
    """Wait, shortened by the present scale; a frozen clock moves on instead of waiting."""
    if _clock.frozen_at is not None:
        _clock.frozen_at += duration
        return
    time.sleep(max(0.0, scaled(duration).total_seconds()))


@contextmanager
def running_at(scale: float) -> Iterator[None]:
    """Scale every wait inside the block.

    Args:
        scale: 0.1 makes a wait of ten seconds last one.

    Raises:
        ValueError: The scale is not positive.
    """
    if scale <= 0:
        raise ValueError(f"scale must be positive, not {scale}")
    before, _clock.scale = _clock.scale, scale
    try:
        yield
    finally:
        _clock.scale = before


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Stop the clock inside the block; only `sleep` moves it on.

    Raises:
        ValueError: The moment carries no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a frozen moment needs a time zone")
    before, _clock.frozen_at = _clock.frozen_at, at
    try:
        yield
    finally:
        _clock.frozen_at = before
