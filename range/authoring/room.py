"""Whether this machine has the memory that authors' sandboxes may take."""

from django.conf import settings

from range.catalog.schema import ScenarioSpec
from range.lib.errors import RangeError
from range.lib.memory import available_mb


class NoRoom(RangeError):
    """The machine has too little memory left for an author's sandbox."""

    def __init__(self, need: int, left: int) -> None:
        super().__init__(
            f"This machine is full: the scenario's machines may take {need} MB of memory and "
            f"{left} MB are left for sandboxes. Try again when fewer run.",
            reason="capacity",
            status=503,
            retryable=True,
        )


def refuse_without_room(spec: ScenarioSpec, *, sandboxes: int = 1) -> None:
    """Refuse to start what might take memory that trainees' sandboxes need.

    Args:
        sandboxes: How many run at once.

    Raises:
        NoRoom: With how much it would need, and how much there is.
    """
    free = available_mb()
    if free is None:
        return
    need = sandboxes * sum(each.resources.memory_mb for each in spec.machines.values())
    left = max(0, free - settings.RANGE_MEMORY_RESERVE_MB)
    if left < need:
        raise NoRoom(need, left)
