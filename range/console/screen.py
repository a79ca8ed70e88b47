"""The bounded tail of a console's output, from which a returning page is redrawn at once."""

import re
from collections import deque
from collections.abc import Iterable, Mapping

TAIL_BYTES = 128 * 1024
SLACK_BYTES = 64 * 1024
MOST_CHUNKS = 4096
# How far the cut may move to begin at the start of a line.
_LINE_SEARCH_BYTES = 4096

_ESCAPE = b"\x1b"
_MODE = re.compile(rb"\x1b\[\?([\d;]{1,32})([hl])")
# Modes whose state before the cut changes how the rest is drawn or how keys are sent.
# Source: xterm control sequences, DEC private mode set.
_KEPT_MODES = frozenset({1, 7, 25, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049, 2004})
_ON_BY_DEFAULT = frozenset({7, 25})
_ALTERNATE = frozenset({47, 1047, 1049})

# Questions a terminal answers by typing: replayed, they would type into the shell a second time.
# DSR, DA1 to DA3, DECRQM, XTVERSION, window reports; DECRQSS and XTGETTCAP; OSC colour queries.
_QUERIES = re.compile(
    rb"\x1b\[[?>=]?[\d;]*[nc]"
    rb"|\x1b\[\??[\d;]*\$p"
    rb"|\x1b\[>[\d;]*q"
    rb"|\x1b\[[\d;]*t"
    rb"|\x1bP[+$]q[^\x1b]{0,256}\x1b\\"
    rb"|\x1b\](?:4;\d{1,3}|1[0-9]);\?(?:\x07|\x1b\\)"
    rb"|\x05"
)


class Screen:
    """Keeps the last bytes shown, and the terminal modes set before them.

    Args:
        tail_bytes: How much is kept for certain.
        slack_bytes: How much more may gather before the oldest is dropped.
    """

    def __init__(self, *, tail_bytes: int = TAIL_BYTES, slack_bytes: int = SLACK_BYTES) -> None:
        self._tail_bytes = tail_bytes
        self._most = tail_bytes + slack_bytes
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._modes: dict[int, bool] = {}
        self.shown_bytes = 0

    def append(self, data: bytes) -> None:
        """Add what was just shown."""
        self._chunks.append(data)
        self._size += len(data)
        self.shown_bytes += len(data)
        if self._size > self._most:
            self._trim()
        elif len(self._chunks) > MOST_CHUNKS:
            self._joined()

    def snapshot(self) -> bytes:
        """Return bytes that draw the screen on a cleared terminal and ask it nothing."""
        return _prefix(self._modes) + _QUERIES.sub(b"", self._joined())

    def since(self, shown_bytes: int, *, most: int) -> tuple[bytes, bool]:
        """Return what was shown after a count of bytes, and whether it begins a cleared terminal.

        Args:
            most: Where more than this was shown it is left out, and the last lines come instead;
                a full-screen program gets four times as much, because it draws only what changes.
        """
        whole, fresh = self._joined(), self.shown_bytes - shown_bytes
        if shown_bytes and fresh <= min(most, len(whole)):
            return whole[len(whole) - fresh :], False
        cut = max(0, len(whole) - most * (4 if self.alternate else 1))
        line = whole.find(b"\n", cut, cut + _LINE_SEARCH_BYTES) if cut else -1
        start = line + 1 if line >= 0 else _character_start(whole, cut)
        modes = dict(self._modes)
        _note_modes(modes, whole[:start])
        return _prefix(modes) + _QUERIES.sub(b"", whole[start:]), True

    @property
    def alternate(self) -> bool:
        """Tell whether a full-screen program such as an editor is showing."""
        modes = dict(self._modes)
        _note_modes(modes, self._joined())
        return any(modes.get(mode, False) for mode in _ALTERNATE)

    def _joined(self) -> bytes:
        whole = b"".join(self._chunks)
        self._chunks = deque((whole,))
        return whole

    def _trim(self) -> None:
        # Whole chunks go, so that a flood is neither joined nor copied; of the first that stays
        # goes what belongs to a line, a character or a sequence that began before it.
        gone = bytearray()
        while self._size - len(self._chunks[0]) >= self._tail_bytes:
            gone += self._drop()
        if self._size > self._most:
            # The first is a large one, and only a part of it may go.
            too_many, first = self._size - self._tail_bytes, self._chunks.popleft()
            self._chunks.extendleft((first[too_many:], first[:too_many]))
            gone += self._drop()
        first = self._chunks[0]
        line = first.find(b"\n", 0, _LINE_SEARCH_BYTES)
        cut = line + 1 if line >= 0 else _character_start(first, 0)
        gone += first[:cut]
        self._chunks[0] = first[cut:]
        self._size -= cut
        _note_modes(self._modes, gone)

    def _drop(self) -> bytes:
        dropped = self._chunks.popleft()
        self._size -= len(dropped)
        return dropped


def _prefix(modes: Mapping[int, bool]) -> bytes:
    changed = ((mode, on) for mode, on in modes.items() if on != (mode in _ON_BY_DEFAULT))
    return b"".join(b"\x1b[?%d%c" % (mode, b"h" if on else b"l") for mode, on in changed)


def _note_modes(modes: dict[int, bool], data: bytes | bytearray) -> None:
    # One byte is looked for many times faster than a pattern.
    if _ESCAPE not in data:
        return
    for match in _MODE.finditer(data):
        for mode in _numbers(match[1].split(b";")):
            if mode in _KEPT_MODES:
                modes[mode] = match[2] == b"h"


def _numbers(parts: Iterable[bytes]) -> Iterable[int]:
    return (int(part) for part in parts if part)


def _character_start(data: bytes, at: int) -> int:
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at
