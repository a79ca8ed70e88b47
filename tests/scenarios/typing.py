"""Types into a machine's console as a person does: waits for quiet, then the next line."""

import asyncio
import re
import time
from contextlib import suppress

from range.runtime.driver import Size

_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*(\x07|\x1b\\)|[@-Z\\-_=>]|\([B0])")
QUIET_SECONDS = 0.35
# An editor shows no prompt; it has drawn its screen once nothing comes for this long after its name
# or the key that leaves it was seen.
EDITOR_SECONDS = 1.5
DRAWN = re.compile(r"GNU nano|\^X")
LONGEST_SECONDS = 40
# A prompt of a shell, or of a program that waits for a key.
READY = re.compile(r"([$#] |\(END\)|press RETURN\))\s*$")
IN_EDITOR = re.compile(r"^(sudo nano |\^R)")


def typed(driver, handle, machine, lines):
    """Type lines into a console and return everything it showed, without colours."""
    return asyncio.run(_typed(driver, handle, machine, list(lines)))


async def _typed(driver, handle, machine, lines):
    console = await driver.open_console(handle, machine, Size(rows=30, columns=100))
    seen = _Screen()
    reading = asyncio.create_task(seen.follow(console))
    try:
        await seen.settled()
        for line in lines:
            at_rest = seen.text
            await console.write(keys(line))
            await seen.settled(at_rest, editor=editor_after(line))
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await console.close()
    return seen.text


def editor_after(line):
    """Return what tells that an editor has the screen after a line; None where none has it."""
    if not IN_EDITOR.match(line):
        return None
    # One that was open before may draw next to nothing.
    return re.compile("") if line.startswith("^") else DRAWN


def keys(line):
    """Return what a line of a tutorial means on a keyboard: `^R` is a key, the rest is text."""
    pressed = re.sub(r"\^([A-Z])", lambda key: chr(ord(key[1]) - 64), line)
    # Leaving an editor is no line; everything else ends with Enter.
    return (pressed if line.endswith("^X") else pressed + "\r").encode()


class _Screen:
    def __init__(self):
        self.text = ""
        self._last = time.monotonic()

    async def follow(self, console):
        while data := await console.read():
            self.text += _ESCAPES.sub("", data.decode("utf-8", "replace")).replace("\r", "")
            self._last = time.monotonic()

    async def settled(self, since="", *, editor=None):
        """Wait until something has come since a text, and ended: an old prompt says nothing."""
        began = time.monotonic()
        self._last = began
        while time.monotonic() - began < LONGEST_SECONDS:
            await asyncio.sleep(0.05)
            quiet = time.monotonic() - self._last
            if self.text == since:
                continue
            if quiet > QUIET_SECONDS and READY.search(self.text):
                return
            if editor and quiet > EDITOR_SECONDS and editor.search(self.text, len(since)):
                return
        raise AssertionError(f"no prompt came back; the console shows: {self.text[-600:]}")
