"""Types on many terminals at once and times the echoes; asks what processes cost meanwhile."""

import heapq
import os
import select
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks._lines import Line

# A letter and its removal, each with what a shell's line editor answers.
LETTER = (b"x", b"x")
KEYS = (LETTER, (b"\x7f", b"\x08"))
_TICKS = os.sysconf("SC_CLK_TCK")
# Echoes that have not come after this count as that late.
_PATIENCE_SECONDS = 10.0


class Typing:
    """Every terminal gets `rate` keys a second, spread evenly, whether or not echoes keep up.

    A key that is due while the one before it has no echo yet waits for it, and the time it waits
    counts: otherwise a server that stalls would be asked less the slower it is.
    """

    def __init__(
        self, lines: Sequence[Line], *, rate: float, keys: Sequence[tuple[bytes, bytes]] = KEYS
    ) -> None:
        self._lines = lines
        self._pause = 1 / rate
        self._keys = keys
        self._late: list[deque[float]] = [deque() for _ in lines]
        self._since: dict[int, float] = {}
        self._took: list[float] = []

    def run(self, seconds: float) -> list[float]:
        """Type for some time and return what each echo took, in milliseconds."""
        began = time.perf_counter()
        until, share = began + seconds, self._pause / len(self._lines)
        due = [(began + share * index, index) for index in range(len(self._lines))]
        numbers = {line.channel.fileno(): index for index, line in enumerate(self._lines)}
        self._took = []
        with select.epoll() as poll:
            for number in numbers:
                poll.register(number, select.EPOLLIN)
            while due or self._since:
                now = time.perf_counter()
                while due and due[0][0] <= now:
                    self._press_next(due, until, now)
                if now > until + _PATIENCE_SECONDS:
                    break
                wait = max(0.0, due[0][0] - now) if due else 0.1
                for number, _ in poll.poll(wait):
                    self._hear(numbers[number])
        self._took += [_PATIENCE_SECONDS] * len(self._since)
        self._since.clear()
        return [1000 * each for each in self._took]

    def _press_next(self, due: list[tuple[float, int]], until: float, now: float) -> None:
        at, index = heapq.heappop(due)
        if at + self._pause < until:
            heapq.heappush(due, (at + self._pause, index))
        if index in self._since:
            self._late[index].append(at)
        else:
            self._press(index, now)

    def _press(self, index: int, since: float) -> None:
        line = self._lines[index]
        self._since[index] = since
        line.send(self._keys[line.pressed % len(self._keys)][0])

    def _hear(self, index: int) -> None:
        line = self._lines[index]
        shown = line.take()
        if index not in self._since or self._keys[line.pressed % len(self._keys)][1] not in shown:
            return
        line.pressed += 1
        self._took.append(time.perf_counter() - self._since.pop(index))
        if self._late[index]:
            self._press(index, self._late[index].popleft())


def tend(lines: Sequence[Line]) -> None:
    """Take whatever waits on some lines, which answers what a server asked."""
    numbers = {line.channel.fileno(): line for line in lines}
    with select.epoll() as poll:
        for number in numbers:
            poll.register(number, select.EPOLLIN)
        for number, _ in poll.poll(0, max(1, len(lines))):
            numbers[number].take()


def family(pid: int) -> Iterator[int]:
    """Yield a process and everything it started."""
    yield pid
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in tasks.read_text().split():
            yield from family(int(child))


def memory_kb(pid: int) -> int:
    """Return what a process and its children hold; what they share counts once."""
    total = 0
    for each in family(pid):
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        total += next(int(row.split()[1]) for row in rollup.splitlines() if row.startswith("Pss:"))
    return total


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children."""
    total = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS
