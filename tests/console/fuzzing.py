"""What the byte tests share: a page that behaves as line.js does, and what it must have seen."""

import re
from dataclasses import dataclass, field

import orjson

from range.console.screen import _QUERIES, TAIL_BYTES

# A cut may move to a line's start, and questions may be left out of what remains.
SHORTEST_TAIL = TAIL_BYTES * 9 // 10
_MODES = re.compile(rb"(?:\x1b\[\?[0-9]+[hl])*")


@dataclass
class View:
    """What one page saw from a cleared screen on: first the whole screen, then what came live."""

    screen: bytes | None = None
    live: bytearray = field(default_factory=bytearray)


class TwinPage:
    """The typing and seeing of static/js/console/line.js, frame by frame."""

    def __init__(self, name):
        self.name = name
        self.kept, self.out, self.risked, self.count, self.of = [], 0, 0, 0, None
        self.ready = False
        self.send = None
        self.typed = b""
        self.settled = 0
        self.undrawn = 0
        self.unsure = []
        self.views = []
        self.controls = []

    # --- the socket ---------------------------------------------------------------------------
    def opened(self, send):
        self.send, self.ready, self.undrawn = send, False, 0

    def lost(self):
        self.send, self.ready = None, False

    def hear(self, frame):
        if isinstance(frame, bytes):
            self.undrawn += len(frame)
            view = self.views[-1]
            if view.screen is None:
                view.screen = frame
            else:
                view.live += frame
            return
        control = orjson.loads(frame)
        self.controls = [*self.controls[-20:], control]
        if control["type"] == "screen":
            self.views = [each for each in self.views if each.screen is not None] + [View()]
        elif control["type"] == "taken":
            self.taken(control["bytes"], control["of"])

    def say(self, **control):
        if self.send:
            self.send(orjson.dumps(control).decode())

    def draw(self, count=None):
        count = self.undrawn if count is None else min(count, self.undrawn)
        if self.send and count:
            self.undrawn -= count
            self.say(type="ack", bytes=count)

    # --- typing -------------------------------------------------------------------------------
    def type(self, data):
        self.typed += data
        self.kept.append(data)
        self.drain()

    def drain(self):
        while self.ready and self.out < len(self.kept):
            self.send(self.kept[self.out])
            self.out += 1
            self.risked = max(self.risked, self.out)

    def taken(self, count, of):
        knows = of == self.of and count >= self.count
        if knows:
            self.drop(count - self.count)
        unsure = not knows and self.risked > 0
        if unsure:
            # What arrived must be at least what was told, and at most what was ever sent.
            most = self.settled_bytes + sum(len(piece) for piece in self.kept[: self.risked])
            self.unsure.append((self.settled_bytes, most, self.typed))
            self.typed, self.kept, self.settled = b"", [], 0
        if self.ready:
            return
        self.of, self.count, self.out, self.risked = of, count, 0, 0
        self.ready = True
        self.drain()

    @property
    def settled_bytes(self):
        """How many bytes of `typed` the page was told are taken."""
        return len(self.typed) - sum(len(piece) for piece in self.kept)

    def drop(self, count):
        self.count += count
        while count:
            piece = self.kept[0]
            if len(piece) > count:
                self.kept[0] = piece[count:]
                return
            count -= len(piece)
            self.kept.pop(0)
            self.out, self.risked = max(0, self.out - 1), max(0, self.risked - 1)


class Printed:
    """Everything a machine printed, and the same without what a redrawn screen leaves out."""

    def __init__(self, data=b""):
        self.whole, self.plain, self._left_out = bytearray(), bytearray(), []
        self.add(data)

    def add(self, data):
        """Note what was printed; a question to the terminal must come whole."""
        at = 0
        for match in _QUERIES.finditer(data):
            self._keep(data[at : match.start()])
            self._left_out.append((len(self.plain), match.end() - match.start()))
            self.whole += match[0]
            at = match.end()
        self._keep(data[at:])

    def _keep(self, data):
        self.whole += data
        self.plain += data

    def _places(self, plain_at):
        """Where in the whole a place of the plain text may be, given what was left out there."""
        place = plain_at + sum(length for at, length in self._left_out if at < plain_at)
        yield place
        for at, length in self._left_out:
            if at == plain_at:
                place += length
                yield place

    def screen_ends(self, screen):
        """Return where in the plain text a redrawn screen begins and ends.

        Only what exceeds the kept tail may be missing at its beginning.
        """
        if self.plain.startswith(screen):
            return 0, len(screen)
        kept = screen[_MODES.match(screen).end() :]
        assert len(kept) >= SHORTEST_TAIL, f"a screen of {len(kept)} bytes begins in the middle"
        end = self.plain.find(kept[-400:]) + len(kept[-400:])
        begin = end - len(kept)
        # Modes at the very beginning may be the machine's own.
        assert self.plain[begin:end] == kept, "a redrawn screen shows what was never printed"
        return begin, end

    def ends_with(self, view):
        """Tell whether a page has seen the newest."""
        if view.live or view.screen is None:
            return bool(view.live) and self.whole.endswith(view.live[-400:])
        return self.plain.endswith(view.screen[-400:])

    def check(self, views):
        """Assert that a page saw every byte once and in order; return up to where it saw."""
        before = 0
        for view in views:
            _, end = self.screen_ends(view.screen)
            places = [at for at in self._places(end) if self.whole[at:].startswith(view.live)]
            assert places, f"after {end} bytes the page saw {bytes(view.live[:80])!r}"
            assert places[-1] >= before, "a redrawn screen is older than what was shown"
            before = places[-1] + len(view.live)
        return before
