"""Carries bytes between one terminal of a sandbox and the pages that show it."""

import asyncio
import time
import uuid
from dataclasses import dataclass

from range.console.company import Company, Onlooker
from range.console.pace import SMALL_CHUNK_BYTES, last_typed, pause_after
from range.console.protocol import (
    Close,
    message_frame,
    notice_frame,
    role_frame,
    screen_frame,
    size_frame,
)
from range.console.screen import Screen
from range.console.tape import Tape
from range.console.typists import Typing, Typists
from range.console.watchers import Watcher
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.driver import ConsoleStream, Handle, SandboxGone, Size
from range.runtime.registry import get_consoles

log = get_logger(__name__)

# With this a holder of a shell may begin a connection; an earlier screen must outlast it.
ATTACH_CLEARS = b"\x1b[H\x1b[J"
# A terminal that shows nothing for so long after a key, or from its beginning, is worth a line in
# the log: the page says that it is connected, and nobody could tell otherwise where bytes got lost.
SILENT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Key:
    """What one relay serves: a named console on a machine of a sandbox."""

    sandbox_id: uuid.UUID
    machine: str
    console: str


async def open_stream(
    *, driver: str, handle: Handle, machine: str, console: str, size: Size
) -> ConsoleStream:
    """Enter a machine of a running sandbox.

    Raises:
        RangeError: Whatever the driver refuses with.
    """
    return await get_consoles(driver).open_console(handle, machine, size, console_id=console)


def end_shell(*, driver: str, handle: Handle, machine: str, console: str) -> None:
    """End a console's shell in a machine, with whatever runs in it.

    Raises:
        RangeError: Whatever the driver refuses with.
    """
    get_consoles(driver).kill_consoles(handle, machine, console_id=console)


class Relay:
    """One open terminal: reads it, remembers its screen, feeds its recording and its pages.

    Args:
        screen: Already holds what an earlier recording of the same console showed, if any.
        continues: Whether it does; then the holder's clearing of the screen is left out.
    """

    def __init__(
        self,
        key: Key,
        stream: ConsoleStream,
        *,
        tape: Tape,
        screen: Screen,
        size: Size,
        continues: bool = False,
    ) -> None:
        self.key = key
        self.size = size
        self.closed: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._stream = stream
        self._tape = tape
        self._screen = screen
        self.typed_at = time.monotonic()
        self._shown_at = self._silent_since = 0.0
        self.company = Company(on_change=self._company_changed, mark=tape.mark)
        self._watchers: list[Watcher] = []
        self._everybody: tuple[Watcher, ...] = ()
        self._room = asyncio.Event()
        self.typists = Typists()
        self._typing = asyncio.Lock()
        self._fitting: asyncio.Task[None] | None = None
        self._let_go_begun = False
        self._continues = continues
        stream.listen(self._shown_now)
        self._pump = asyncio.create_task(self._run(), name=f"console {key.machine}")

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """Return the trainee's pages that show this console."""
        return tuple(self._watchers)

    @property
    def shown_bytes(self) -> int:
        """Return how much was shown so far."""
        return self._screen.shown_bytes

    def shown_since(self, shown_bytes: int, *, most: int) -> tuple[bytes, bool]:
        """Return what `Screen.since` does of this console's screen."""
        return self._screen.since(shown_bytes, most=most)

    def join(self, watcher: Watcher) -> None:
        """Show the console on a page, beginning with the whole screen."""
        watcher.on_room = self._has_room
        self._watchers.append(watcher)
        self._gather()
        watcher.catch_up(*self._whole_screen())
        if self.company.people:
            watcher.give(self.company.frame)
        self._fit(redraw=self._screen.alternate)
        self._room.set()

    def leave(self, watcher: Watcher) -> None:
        """Take a page off; the console stays open for the next one."""
        watcher.leave()
        if watcher in self._watchers:
            self._watchers.remove(watcher)
            self._gather()
            self._fit()
        self._room.set()

    def look(self, onlooker: Onlooker) -> None:
        """Show the console to somebody else, whom it never waits for and never fits itself to."""
        onlooker.on_room = self._has_room
        onlooker.catch_up(*self._whole_screen())
        self.company.join(onlooker)

    def look_away(self, onlooker: Onlooker) -> None:
        """Take somebody off who looked; the keys they held go back to the trainee."""
        onlooker.leave()
        self.company.leave(onlooker)

    async def type(
        self, data: bytes, *, by: Onlooker | None = None, typing: Typing | None = None
    ) -> None:
        """Pass on what a page sent; waits while the terminal takes no more.

        Keys of whoever may not type now are dropped: kept, they would come out of place later.

        Args:
            by: Whose page it was; None for the trainee's.
            typing: Counts what was taken, for a page that sends the rest again.

        Raises:
            SandboxGone: The terminal has ended.
        """
        async with self._typing:
            if self.closed.done():
                raise SandboxGone
            if typing is not None and not typing.take(len(data)):
                return
            if self.company.allows(by):
                self._note_typing(data, by)
                await self._stream.write(data)
            if typing is not None:
                typing.taken()

    def type_now(self, data: bytes, *, typing: Typing | None) -> bool:
        """Pass on what the trainee's page sent if the terminal takes it without waiting.

        Returns:
            Whether `data` is done with; otherwise it has to be typed.
        """
        if self._typing.locked() or self.closed.done() or not self._stream.has_room():
            return False
        if typing is not None and not typing.take(len(data)):
            return True
        if self.company.allows(None):
            self._note_typing(data, None)
            self._stream.write_now(data)
        # What has not left by now is told of with the next key.
        if typing is not None and self._stream.has_room():
            typing.taken()
        return True

    def resize(self, watcher: Watcher, *, cols: int, rows: int) -> None:
        """Note a page's size; the console takes the smallest of all pages'."""
        watcher.cols, watcher.rows = cols, rows
        self._fit()

    def note_silence(self) -> None:
        """Say in the log, once, that the terminal shows nothing though somebody waits for it."""
        since = self.typed_at
        if not self._shown_at < since < time.monotonic() - SILENT_SECONDS:
            return
        if self._watchers and since != self._silent_since:
            self._silent_since = since
            undrawn = [watcher.undrawn_bytes for watcher in self._watchers]
            log.info(
                "console.silent", machine=self.key.machine, shown=self.shown_bytes, undrawn=undrawn
            )

    def tell(self, text: str) -> None:
        """Show a sentence on every page, outside the terminal."""
        for watcher in self._watchers:
            watcher.give(notice_frame(text, level="warning"))

    def write_to_trainee(self, text: str, *, sender: str) -> None:
        """Show what somebody wrote on every page, beside the terminal."""
        for watcher in self._everybody:
            watcher.give(message_frame(text, sender=sender))

    async def close(self, code: Close) -> None:
        """Let go of the terminal and end the recording; the shell itself stays."""
        self._end(code)
        self._pump.cancel()
        await asyncio.wait([self._pump])
        # A pump cancelled before its first step never came to its end.
        await self._let_go()

    def _note_typing(self, data: bytes, by: Onlooker | None) -> None:
        now = time.monotonic()
        last_typed.typed(self.key, now)
        if by is None:
            self.typed_at = now
        else:
            self.company.typed()
            self._tape.typed_by(by.name)
        if b"\r" in data:
            self._tape.entered(data.count(b"\r"))

    def _end(self, code: Close) -> None:
        if not self.closed.done():
            self.typists.tell()
            self.closed.set_result(code)

    async def _run(self) -> None:
        code = Close.ENDED
        try:
            await self._carry()
        except RangeError as error:
            log.info("console.stream.lost", reason=error.reason)
        except OSError as error:
            log.warning("console.stream.failed", error=type(error).__name__)
            code = Close.FAILED
        finally:
            self._end(code)
            log.info("console.closed", machine=self.key.machine, code=int(self.closed.result()))
            await asyncio.shield(self._let_go())

    async def _carry(self) -> None:
        while data := await self._stream.read():
            if self._continues:
                self._continues, data = False, data.removeprefix(ATTACH_CLEARS)
            # What was shown meanwhile without this loop may have filled every page.
            await self._wait_for_room()
            self._show(data)
            if len(data) >= SMALL_CHUNK_BYTES:
                watched = bool(self._watchers)
                await asyncio.sleep(pause_after(len(data), self.key, watched=watched))
            if self._tape.full:
                await self._tape.room()
            await self._wait_for_room()

    def _show(self, data: bytes) -> None:
        self._shown_at = time.monotonic()
        self._screen.append(data)
        self._tape.output(data)
        for watcher in self._everybody:
            watcher.show(data)

    def _shown_now(self, data: bytes) -> bool:
        """Show a key's echo at once, without a turn of the loop; False where it has to wait."""
        if len(data) >= SMALL_CHUNK_BYTES or self._continues:
            return False
        if self._tape.full or self._all_full():
            return False
        self._show(data)
        return True

    def _all_full(self) -> bool:
        # Whoever only looks is left out: what they cannot take is made up for by the whole screen.
        watchers = self._watchers
        return bool(watchers) and all(w.full or w.behind or w.gone for w in watchers)

    async def _wait_for_room(self) -> None:
        # Not reading is what stops a flood: the kernel's buffer fills and the program waits.
        while self._all_full():
            self._room.clear()
            await self._room.wait()

    def _has_room(self, watcher: Watcher) -> None:
        if watcher.behind and not watcher.gone:
            watcher.catch_up(*self._whole_screen())
        self._room.set()

    def _whole_screen(self) -> tuple[str, bytes]:
        return screen_frame(self.size.columns, self.size.rows), self._screen.snapshot()

    def _company_changed(self) -> None:
        self._gather()
        for watcher in self._everybody:
            watcher.give(self.company.frame)

    def _gather(self) -> None:
        self._everybody = (*self._watchers, *self.company.people)
        # Programs ask the terminal questions; two pages answering would type the answer twice, and
        # only whoever's keys count can answer at all.
        last = self._watchers[-1] if self._watchers else None
        answering = self.company.taken_by or last
        for watcher in self._everybody:
            watcher.give(role_frame(answers=watcher is answering))

    def _fit(self, *, redraw: bool = False) -> None:
        if not self._watchers:
            return
        wanted = Size(
            columns=min(w.cols for w in self._watchers), rows=min(w.rows for w in self._watchers)
        )
        if wanted == self.size and not redraw:
            return
        changed, self.size = wanted != self.size, wanted
        for watcher in self._everybody:
            watcher.give(size_frame(wanted.columns, wanted.rows))
        if changed:
            self._tape.resize(wanted)
        if self._fitting is None or self._fitting.done():
            self._fitting = asyncio.create_task(self._tell_size(nudge=redraw and not changed))

    async def _tell_size(self, *, nudge: bool) -> None:
        # The engine is told one size at a time, the latest: a page may change it all the time.
        told: Size | None = None
        if nudge:
            # A full-screen program redraws only when the size it knows changes.
            await self._stream.resize(Size(columns=self.size.columns, rows=self.size.rows - 1))
        while told != self.size:
            told = self.size
            try:
                await self._stream.resize(told)
            except RangeError as error:
                log.info("console.resize.failed", reason=error.reason)

    async def _let_go(self) -> None:
        if self._let_go_begun:
            return
        self._let_go_begun = True
        if self._fitting is not None:
            self._fitting.cancel()
        await self._stream.close()
        await self._tape.close()
