"""A circuit breaker: after some failures in a row a model is left alone for a while."""

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from range.lib import clock

FAILURES = 3
REST = timedelta(seconds=60)


@dataclass
class Breaker:
    """Counts failures in a row; open means that nobody should ask now."""

    failures: int = 0
    opened_at: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_open(self) -> bool:
        """Tell whether the model rests; after the rest one request may try again."""
        if self.failures < FAILURES:
            return False
        return clock.monotonic() - self.opened_at < REST.total_seconds()

    def succeeded(self) -> None:
        """Forget the failures."""
        with self._lock:
            self.failures = 0

    def failed(self) -> None:
        """Count a failure; the third in a row opens the breaker."""
        with self._lock:
            self.failures += 1
            if self.failures >= FAILURES:
                self.opened_at = clock.monotonic()
