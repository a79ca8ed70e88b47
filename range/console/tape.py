"""What a relay asks of whoever writes down what a console shows, and one who writes nothing."""

from typing import Protocol

from range.runtime.driver import Size


class Tape(Protocol):
    """Where everything shown is written down; none of its methods waits but `room`."""

    @property
    def full(self) -> bool:
        """Tell whether the writer is so far behind that the relay must wait."""
        ...

    def output(self, data: bytes) -> None:
        """Note bytes that were shown."""
        ...

    def entered(self, lines: int) -> None:
        """Note that the return key was pressed; what was typed is never noted."""
        ...

    def typed_by(self, name: str) -> None:
        """Note that somebody other than the trainee pressed a key."""
        ...

    def mark(self, text: str) -> None:
        """Note a moment in words."""
        ...

    def resize(self, size: Size) -> None:
        """Note a new size."""
        ...

    async def room(self) -> None:
        """Wait until the writer has caught up."""
        ...

    async def close(self) -> None:
        """Write what is left and end the recording."""
        ...


class NoTape:
    """Writes nothing down, for consoles that prove nothing."""

    full = False

    def output(self, data: bytes) -> None:
        """Forget it."""

    def entered(self, lines: int) -> None:
        """Forget it."""

    def typed_by(self, name: str) -> None:
        """Forget it."""

    def mark(self, text: str) -> None:
        """Forget it."""

    def resize(self, size: Size) -> None:
        """Forget it."""

    async def room(self) -> None:
        """Return at once."""

    async def close(self) -> None:
        """Return at once."""
