"""Types the steps of a solution on recorded consoles, so that a verification run can be watched."""

import asyncio
import re
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from range.console.cast import Header
from range.console.protocol import Close
from range.console.recorder import Recorder
from range.console.relay import Key, Relay
from range.console.screen import Screen
from range.console.scribe import Ledger, RecordingTape, Scribe
from range.console.transcripts import Cutter
from range.console.watchers import Watcher
from range.lib.errors import RangeError
from range.runtime.driver import ConsoleStream, Driver, ExecResult, Handle, Size

SIZE = Size(columns=100, rows=30)
CONSOLE = "verify"
LABEL_CHARACTERS = 80
READY_WITHIN = timedelta(seconds=20)
# The shell's own marks: typing begins; what was entered begins; it has ended with a status.
_PROMPT = re.compile(rb"\x1b\]133;B\x07")
_ENTERED = re.compile(rb"\x1b\]133;C\x07")
_ENDED = re.compile(rb"\x1b\]133;D;(\d+)\x07")
# Pasted, so that nothing of a step is taken for a key; as a step it reads nothing and ends at the
# first failure.
_STEP = b"\x1b[200~(set -e\n%s\n) </dev/null\x1b[201~\r"


class NoMarks(RangeError):
    """The shell of a machine does not tell where a command ends."""

    def __init__(self, machine: str, account: str) -> None:
        super().__init__(
            f"The shell of {account} on {machine} shows no prompt that can be recorded.",
            reason="no-marks",
            status=500,
        )


class _Seat:
    """One console, and everything it showed."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.shown = bytearray()
        self.news = asyncio.Event()
        self._watcher = Watcher(self._take, cols=SIZE.columns, rows=SIZE.rows)
        relay.join(self._watcher)

    async def _take(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes):
            self.shown += frame
            self.news.set()
            self._watcher.drawn(len(frame))

    async def until(self, mark: re.Pattern[bytes], after: int) -> re.Match[bytes]:
        while (found := mark.search(self.shown, after)) is None:
            self.news.clear()
            await self.news.wait()
        return found


@dataclass
class RecordedConsoles:
    """The consoles of one sandbox: one for each machine and account that steps ask for.

    Args:
        folder: Where `<machine>-<account>.cast` is written.
    """

    driver: Driver
    handle: Handle
    folder: Path
    _seats: dict[tuple[str, str], _Seat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._scribe = Scribe()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recorded consoles")
        self._thread.start()

    def run(self, machine: str, account: str, text: str, *, within: timedelta) -> ExecResult:
        """Type a script on the account's console and return what came of it, as `exec` does.

        Raises:
            RangeError: The machine cannot be entered, or its shell does not mark its prompts.
        """
        return self._wait(self._run(machine, account, text, within))

    def close(self) -> None:
        """Leave every console and end its recording."""
        try:
            self._wait(self._close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._scribe.stop()

    def _wait[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _run(self, machine: str, account: str, text: str, within: timedelta) -> ExecResult:
        seat = self._seats.get((machine, account)) or await self._enter(machine, account)
        before = len(seat.shown)
        await seat.relay.type(_STEP % text.encode())
        try:
            async with asyncio.timeout(within.total_seconds()):
                entered = await seat.until(_ENTERED, before)
                ended = await seat.until(_ENDED, entered.end())
                await seat.until(_PROMPT, ended.end())
        except TimeoutError:
            return ExecResult(exit_code=137, stdout=bytes(seat.shown[before:]), timed_out=True)
        output = bytes(seat.shown[entered.end() : ended.start()])
        return ExecResult(exit_code=int(ended[1]), stdout=output)

    async def _enter(self, machine: str, account: str) -> _Seat:
        machines = dict(self.handle.machines)
        machines[machine] = replace(machines[machine], console_user=account)
        stream = await self.driver.open_console(
            replace(self.handle, machines=machines), machine, SIZE, console_id=CONSOLE
        )
        seat = self._seated(machine, account, stream)
        self._seats[machine, account] = seat
        try:
            async with asyncio.timeout(READY_WITHIN.total_seconds()):
                first = await seat.until(_PROMPT, 0)
                # A step's exclamation marks are its own, not the history's.
                await seat.relay.type(b"set +H\r")
                await seat.until(_PROMPT, first.end())
        except TimeoutError as error:
            raise NoMarks(machine, account) from error
        return seat

    def _seated(self, machine: str, account: str, stream: ConsoleStream) -> _Seat:
        name = f"{machine}-{account}"
        header = Header(cols=SIZE.columns, rows=SIZE.rows, started_at=int(time.time()), title=name)
        recorder = Recorder(self.folder / f"{name}.cast", header)
        ledger = Ledger(
            recorder=recorder,
            cutter=Cutter(
                cols=SIZE.columns,
                on_begin=lambda text: recorder.mark(recorder.last_ms, text[:LABEL_CHARACTERS]),
            ),
            on_command=lambda _: None,
            on_seal=lambda _: None,
        )
        relay = Relay(
            Key(sandbox_id=self.handle.sandbox_id, machine=machine, console=CONSOLE),
            stream,
            tape=RecordingTape(self._scribe, ledger),
            screen=Screen(),
            size=SIZE,
        )
        return _Seat(relay)

    async def _close(self) -> None:
        for seat in self._seats.values():
            await seat.relay.close(Close.NORMAL)


@contextmanager
def recorded(driver: Driver, handle: Handle, folder: Path) -> Iterator[RecordedConsoles]:
    """Consoles of a sandbox whose recordings end with the block."""
    consoles = RecordedConsoles(driver, handle, folder)
    try:
        yield consoles
    finally:
        consoles.close()
