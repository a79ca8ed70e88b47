"""Writes recordings and cuts commands in one thread, so that no key ever waits for a disk."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from range.console.recorder import Recorder, Seal
from range.console.transcripts import Command, Cutter
from range.lib.logs import get_logger
from range.runtime.driver import Size

log = get_logger(__name__)

# What a killed process has not handed over by then is missing from its recordings. All consoles
# hand over together: a thread woken for each of them would cost more than it writes.
FLUSH_SECONDS = 0.03
FLUSH_BYTES = 64 * 1024
# The relay stops reading when this much waits for the disk.
MOST_WAITING_BYTES = 4 * 1024 * 1024

type Note = (
    tuple[int, Literal["o"], bytes]
    | tuple[int, Literal["i"], int]
    | tuple[int, Literal["r"], Size]
    | tuple[int, Literal["k", "m"], str]
)
type OnCommand = Callable[[Command], None]
type OnSeal = Callable[[Seal], None]


@dataclass(kw_only=True)
class Ledger:
    """What the thread keeps for one recording.

    Args:
        on_command: Called in the thread for each command that ended.
        on_seal: Called in the thread once, when the recording is finished.
    """

    recorder: Recorder
    cutter: Cutter
    on_command: OnCommand
    on_seal: OnSeal
    flushed_at: float = field(default_factory=time.monotonic)
    hands: set[str] = field(default_factory=set)

    def write(self, notes: list[Note]) -> None:
        """Record and cut what was shown since the last time."""
        for at_ms, code, value in notes:
            if code == "o" and isinstance(value, bytes):
                self.recorder.output(at_ms, value)
                self._tell(self.cutter.feed(value, at_ms))
            elif code == "i" and isinstance(value, int):
                self.cutter.entered(value)
            elif code == "k" and isinstance(value, str):
                self.hands.add(value)
            elif code == "m" and isinstance(value, str):
                self.recorder.mark(at_ms, value)
            elif isinstance(value, Size):
                self.cutter.cols = value.columns
                self.recorder.resize(at_ms, cols=value.columns, rows=value.rows)
        self.recorder.flush()

    def end(self, at_ms: int) -> None:
        """Finish the transcript and seal the recording."""
        self._tell(self.cutter.finish(at_ms))
        self.on_seal(self.recorder.close())

    def _tell(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self.on_command(replace(command, typed_by=tuple(sorted(self.hands))))
            self.hands.clear()


class Scribe:
    """The thread; one for a process."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._gathering: list[RecordingTape] = []
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], None]) -> None:
        """Do something after everything submitted before."""
        self._work.put(work)

    def gather(self, tape: "RecordingTape") -> None:
        """Let a tape hand over what it holds in a moment, with all others that hold something."""
        if not self._gathering:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._hand_over)
        self._gathering.append(tape)

    def stop(self) -> None:
        """Finish what was submitted and end the thread."""
        self._work.put(None)
        self._thread.join()

    def _hand_over(self) -> None:
        tapes, self._gathering = self._gathering, []
        for tape in tapes:
            tape.hand_over()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception:
                # A full disk must not end the console: it goes on unrecorded, and the log says so.
                log.exception("console.recording.failed")


class RecordingTape:
    """Gathers what one console shows on the loop's side and hands it over in batches."""

    def __init__(self, scribe: Scribe, ledger: Ledger) -> None:
        self._scribe = scribe
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._began = time.monotonic()
        self._notes: list[Note] = []
        self._gathered = 0
        self._waiting = 0
        self._closed = False
        self._room = asyncio.Event()

    @property
    def full(self) -> bool:
        """Tell whether the thread is so far behind that the relay must wait."""
        return self._waiting > MOST_WAITING_BYTES

    def output(self, data: bytes) -> None:
        """Note bytes that were shown."""
        self._note((self._now(), "o", data))
        self._gathered += len(data)
        if self._gathered >= FLUSH_BYTES:
            self.hand_over()

    def entered(self, lines: int) -> None:
        """Note that the return key was pressed; what was typed is never noted."""
        self._note((self._now(), "i", lines))

    def typed_by(self, name: str) -> None:
        """Note that somebody other than the trainee pressed a key."""
        self._note((self._now(), "k", name))

    def mark(self, text: str) -> None:
        """Note a moment in words."""
        self._note((self._now(), "m", text))

    def resize(self, size: Size) -> None:
        """Note a new size."""
        self._note((self._now(), "r", size))

    def hand_over(self) -> None:
        """Give the thread what was noted since the last time."""
        notes, size = self._notes, self._gathered
        self._notes, self._gathered = [], 0
        if notes:
            self._waiting += size
            self._scribe.submit(lambda: self._write(notes, size))

    async def room(self) -> None:
        """Wait until the thread has caught up."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    async def close(self) -> None:
        """Write what is left and seal the recording."""
        self.hand_over()
        self._closed = True
        ended = asyncio.Event()
        at_ms = self._now()
        self._scribe.submit(lambda: self._finish(at_ms, ended))
        await ended.wait()

    def _now(self) -> int:
        return int((time.monotonic() - self._began) * 1000)

    def _note(self, note: Note) -> None:
        if self._closed:
            # Pages leave a console, and change its size, after its recording has ended.
            return
        if not self._notes:
            self._scribe.gather(self)
        self._notes.append(note)

    def _write(self, notes: list[Note], size: int) -> None:
        try:
            self._ledger.write(notes)
        finally:
            self._loop.call_soon_threadsafe(self._written, size)

    def _written(self, size: int) -> None:
        self._waiting -= size
        self._room.set()

    def _finish(self, at_ms: int, ended: asyncio.Event) -> None:
        try:
            self._ledger.end(at_ms)
        finally:
            self._loop.call_soon_threadsafe(ended.set)
