"""Values and secrets of a scenario version for one attempt, apart from what writes its texts."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings

from range.catalog.models import ScenarioVersion
from range.catalog.variables import Declared, declared_in, draw, secrets_among
from range.checks.base import Scalar

# Versions never change, so what is made of them may be kept.
CACHE_LIMIT = 256
_declared: dict[UUID, Declared] = {}


def values_for(version: ScenarioVersion, attempt_id: UUID, epoch: int) -> dict[str, Scalar]:
    """Return every variable's value for an attempt; flags belong to the epoch."""
    return draw(_variables_of(version), flag_secret(), attempt_id, epoch=epoch)


def secrets_of(version: ScenarioVersion, attempt_id: UUID, epoch: int) -> dict[str, str]:
    """Return each secret of an attempt with the placeholder that stands for it.

    Flags of earlier epochs are among them: a recording goes on over a reset.
    """
    declared = _variables_of(version)
    found: dict[str, str] = {}
    for each in range(1, max(1, epoch) + 1):
        values = draw(declared, flag_secret(), attempt_id, epoch=each)
        found |= secrets_among(declared, values)
    return found


def flag_secret() -> bytes:
    """Return the key of every flag and variable of this range."""
    return str(settings.RANGE_FLAG_SECRET).encode()


def remember[K, V](
    cache: dict[K, V], key: K, make: Callable[[], V], *, limit: int | None = None
) -> V:
    """Return what a cache holds, made first where it does not; a full one starts anew."""
    value = cache.get(key)
    if value is None:
        if len(cache) >= (limit or CACHE_LIMIT):
            cache.clear()
        value = cache[key] = make()
    return value


def _variables_of(version: ScenarioVersion) -> Declared:
    return remember(_declared, version.pk, lambda: declared_in(version.spec))
