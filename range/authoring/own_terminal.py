"""The author's own terminal: single keys, and a shell of a machine in its place."""

import asyncio
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from range.lib.errors import RangeError
from range.runtime.driver import ConsoleStream, Driver, Handle, Size

LEAVE = b"\x1d"  # Ctrl-], as in telnet
CHUNK_BYTES = 4096


class NoTerminal(RangeError):
    """A shell was asked for where there is no terminal to show it in."""

    def __init__(self) -> None:
        super().__init__("A shell needs a terminal.", reason="no-terminal")


class Keys:
    """Single keys from standard input while it is a terminal; lines' first letters otherwise."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self.is_terminal = os.isatty(self._fd)
        self._ended = False

    @contextmanager
    def each_at_once(self) -> Iterator[None]:
        """Hand keys over as they are pressed; the terminal is as before afterwards."""
        if not self.is_terminal:
            yield
            return
        before = termios.tcgetattr(self._fd)
        # What was typed ahead stays.
        tty.setcbreak(self._fd, termios.TCSADRAIN)
        try:
            yield
        finally:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, before)

    def pressed(self, within_seconds: float) -> str:
        """Return the next key, or nothing if none came in time."""
        if self._ended:
            select.select([], [], [], within_seconds)
            return ""
        ready, _, _ = select.select([self._fd], [], [], within_seconds)
        if not ready:
            return ""
        data = os.read(self._fd, 1)
        self._ended = data == b""
        return data.decode(errors="replace")

    def line(self, prompt: str) -> str:
        """Ask for a whole line; empty when there is none."""
        sys.stdout.write(prompt)
        sys.stdout.flush()
        data = b""
        with self._cooked():
            while (byte := os.read(self._fd, 1)) not in (b"", b"\n"):
                data += byte
        return data.decode(errors="replace").strip()

    @contextmanager
    def _cooked(self) -> Iterator[None]:
        if not self.is_terminal:
            yield
            return
        before = termios.tcgetattr(self._fd)
        cooked = termios.tcgetattr(self._fd)
        cooked[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(self._fd, termios.TCSADRAIN, cooked)
        try:
            yield
        finally:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, before)


def open_shell(driver: Driver, handle: Handle, machine: str, *, user: str) -> None:
    """Show a machine's shell in this terminal until it ends or Ctrl-] is pressed.

    Raises:
        NoTerminal: Standard input is none.
        SandboxGone: The machine does not run.
    """
    fd = sys.stdin.fileno()
    if not os.isatty(fd):
        raise NoTerminal
    # Authors enter every machine, also those without a console.
    entered = replace(handle.machines[machine], console_user=user)
    handle = replace(handle, machines={**handle.machines, machine: entered})
    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSADRAIN)
    try:
        asyncio.run(_attached(driver, handle, machine, fd))
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


async def _attached(driver: Driver, handle: Handle, machine: str, fd: int) -> None:
    console = await driver.open_console(handle, machine, _size(), console_id="try")
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[bytes] = asyncio.Queue()
    resized = asyncio.Event()
    loop.add_reader(fd, lambda: typed.put_nowait(os.read(fd, CHUNK_BYTES)))
    loop.add_signal_handler(signal.SIGWINCH, resized.set)
    parts = [
        asyncio.create_task(_shown(console)),
        asyncio.create_task(_typed(console, typed)),
        asyncio.create_task(_fitted(console, resized)),
    ]
    try:
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(fd)
        loop.remove_signal_handler(signal.SIGWINCH)
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        await console.close()


async def _shown(console: ConsoleStream) -> None:
    while data := await console.read():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


async def _typed(console: ConsoleStream, typed: asyncio.Queue[bytes]) -> None:
    while (data := await typed.get()) and LEAVE not in data:
        await console.write(data)


async def _fitted(console: ConsoleStream, resized: asyncio.Event) -> None:
    while True:
        await resized.wait()
        resized.clear()
        with suppress(RangeError):
            await console.resize(_size())


def _size() -> Size:
    columns, rows = shutil.get_terminal_size()
    return Size(columns=columns, rows=rows)
