"""A hundred thousand random steps without a lost, doubled or reordered byte.

`MUSTER_FUZZ_SEED` repeats what a failure names. Threads and timers take their own turns, so a seed
gives the same steps and not always the same moments; run it a few times.
"""

import asyncio
import os
import random

import pytest

from range.console import cast, relay
from range.console.models import Recording
from range.console.protocol import MAX_FRAME_BYTES, Close
from range.console.role import Role, start_role, stop_role
from range.console.screen import SLACK_BYTES, TAIL_BYTES
from range.console.scribe import FLUSH_BYTES, MOST_WAITING_BYTES
from range.console.services import recordings_folder
from range.console.watchers import HIGH_BYTES, MOST_NOTES
from tests.console.fuzzing import TwinPage
from tests.console.live import a_desk
from tests.console.support import until
from tests.console.wires import PIPE_BYTES, Tty, Wire

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("console_role")]
EPISODES = 20
STEPS = 5_000
SEEDS = [int(each) for each in os.environ.get("MUSTER_FUZZ_SEED", "").split()] or range(EPISODES)
REST_EVERY = 1_000
PAGES = 3
SETTLE_TURNS = 4_000
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 é中🙂"
TOKENS = [b"\x1b[6n", b"\x1b[c", b"\x1b[?2004h", b"\x1b[?2004l", b"\x1b[?25l", b"\x1b[?25h"]


class Bench:
    """One console with its machine and its pages, stepped at random."""

    def __init__(self, rng, desk, machine):
        self.rng, self.desk, self.machine = rng, desk, machine
        self.tty = Tty()
        desk.driver.sandboxes[desk.sandbox.pk].machines[machine].terminals["main"] = self.tty
        self.pages = [TwinPage(f"page{machine}{number:04}") for number in range(PAGES)]
        self.codes = []
        self.wires = {page: Wire(page, desk, machine, self.codes) for page in self.pages}
        self.dead = []
        self.arrived = dict.fromkeys(self.pages, 0)
        self.openings = [0]
        self.half = b""

    # --- steps --------------------------------------------------------------------------------
    STEPS = {
        "prints": 300,
        "prints_much": 30,
        "floods": 1,
        "asks": 20,
        "types": 300,
        "pastes": 4,
        "draws": 120,
        "resizes": 30,
        "stalls": 12,
        "flows": 20,
        "is_cut": 8,
        "hangs_up": 10,
        "comes_back": 40,
        "beats": 10,
        "goes_deaf": 4,
        "hears": 10,
        "reopens": 1,
        "rests": 80,
    }

    async def step(self):
        name = self.rng.choices(list(self.STEPS), list(self.STEPS.values()))[0]
        done = getattr(self, name)(self.rng.choice(self.pages))
        if done is not None:
            await done

    def text(self, length):
        """Random text of about so many bytes, cut anywhere, even within a character."""
        whole = self.half + "".join(self.rng.choices(LETTERS, k=length)).encode()
        whole += b"\r\n" if self.rng.random() < 0.3 else b""
        cut = max(0, len(whole) - self.rng.choice([0, 0, 1, 2]))
        self.half = whole[cut:]
        return whole[:cut]

    def prints(self, _):
        if self.tty.waiting < PIPE_BYTES:
            self.tty.print(self.text(self.rng.randint(1, 40)))

    def prints_much(self, _):
        if self.tty.waiting < PIPE_BYTES:
            self.tty.print(self.text(self.rng.randint(500, 4000)))

    async def floods(self, _):
        for _ in range(self.rng.randint(10, 40)):
            self.prints_much(None)
            await asyncio.sleep(0)
            for page in self.pages:
                if self.rng.random() < 0.5:
                    page.draw()

    def asks(self, _):
        if self.tty.waiting < PIPE_BYTES and not self.half:
            self.tty.print(self.rng.choice(TOKENS))

    def types(self, page):
        self._type(page, self.rng.randint(1, 12))

    def pastes(self, page):
        self._type(page, self.rng.choice([200, 5_000, MAX_FRAME_BYTES]))

    def _type(self, page, length):
        # Each page has letters of its own, so that what it typed can be told from the others'.
        first = 0x20 + 0x20 * self.pages.index(page)
        if len(page.kept) < 400:
            page.type(bytes(first + (each & 0x1F) for each in self.rng.randbytes(length)))

    def draws(self, page):
        page.draw(self.rng.choice([None, None, 100, 20_000]))

    def resizes(self, page):
        page.say(type="resize", cols=self.rng.randint(2, 300), rows=self.rng.randint(2, 90))

    def stalls(self, page):
        if not self.wires[page].cut_off:
            self.wires[page].flowing.clear()

    def flows(self, page):
        if not self.wires[page].cut_off:
            self.wires[page].flowing.set()

    def is_cut(self, page):
        wire = self.wires[page]
        if not wire.cut_off:
            wire.cut(self.rng.randint(0, wire.inbox.qsize()))

    def hangs_up(self, page):
        for wire in (self.wires[page], *self.dead):
            if wire.cut_off and not wire.over:
                wire.hang_up()
                return

    def comes_back(self, page):
        if self.wires[page].cut_off and len(self.dead) < 20:
            self.dead.append(self.wires[page])
            self.wires[page] = Wire(page, self.desk, self.machine, self.codes)

    def beats(self, page):
        for _ in range(self.rng.choice([1, 1, 1, 2 * MOST_NOTES])):
            page.say(type="heartbeat")

    def goes_deaf(self, _):
        self.tty.hears.clear()

    def hears(self, _):
        self.tty.hears.set()

    async def rests(self, _):
        await asyncio.sleep(self.rng.choice([0, 0, 0.001, 0.005]))

    async def reopens(self, _):
        """End the relay as a restart does; the next page opens another on the same terminal."""
        found = self.relay
        if found is None or self.tty.waiting or self.half:
            return
        await until(lambda: found.shown_bytes and not self.tty.waiting, seconds=20)
        self.openings.append(len(self.tty.printed.whole))
        await found.close(Close.RESTART)

    # --- what must be true ----------------------------------------------------------------------
    @property
    def relay(self):
        from range.console.role import current_role

        key = relay.Key(sandbox_id=self.desk.sandbox.pk, machine=self.machine, console="main")
        return current_role().registry.find(key)

    def bounded(self):
        """Assert that no buffer is larger than it may be."""
        if (found := self.relay) is None:
            return
        screen = TAIL_BYTES + SLACK_BYTES + (1 << 17)
        assert found._screen._size <= screen
        assert found._tape._waiting <= MOST_WAITING_BYTES + FLUSH_BYTES + (1 << 17)
        assert len(found.typists._pages) <= 64
        for watcher in found.watchers:
            assert watcher.undrawn_bytes <= HIGH_BYTES + screen + (1 << 17)
            assert sum(isinstance(each, str) for each in watcher._queue) <= MOST_NOTES + 1

    async def settle(self):
        """Let everybody come back and draw, and wait until nothing moves; then look."""
        self.tty.hears.set()
        if self.half:
            # The rest of a character goes into the pipe however full it is.
            self.tty.waiting -= PIPE_BYTES
            self.tty.print(self.half)
            self.tty.waiting += PIPE_BYTES
        self.half = b""
        for wire in self.dead:
            if not wire.over:
                wire.hang_up()
        for _ in range(SETTLE_TURNS):
            if self.at_rest():
                break
            for page in self.pages:
                self.flows(page)
                self.hangs_up(page)
                self.comes_back(page)
                page.draw()
            self.dead = [wire for wire in self.dead if not wire.task.done()]
            await asyncio.sleep(0.002)
        else:
            raise AssertionError(f"it does not come to rest: {self.state()}")
        assert set(self.codes) <= {Close.RESTART, Close.FAILED}
        self.typed_once()
        for page in self.pages:
            assert self.tty.printed.check(page.views) == len(self.tty.printed.whole)
            page.views = page.views[-1:]

    def state(self):
        """Say where everybody stands, for a failure."""
        found = self.relay
        pages = [
            {
                "wire": (wire.cut_off, wire.over, wire.flowing.is_set(), wire.inbox.qsize()),
                "ended": wire.task.done(),
                "ready": page.ready,
                "kept": len(page.kept),
                "out": page.out,
                "undrawn": page.undrawn,
                "heard": page.controls[-3:],
                "newest": bool(page.views) and self.tty.printed.ends_with(page.views[-1]),
            }
            for page, wire in self.wires.items()
        ]
        watchers = [(w.behind, w.gone, w.undrawn_bytes) for w in found.watchers] if found else None
        return {
            "pages": pages,
            "pipe": self.tty.waiting,
            "watchers": watchers,
            "dead": len(self.dead),
        }

    def at_rest(self):
        return (
            all(page.ready and not page.kept and not page.undrawn for page in self.pages)
            and not self.tty.waiting
            and self.relay is not None
            and not any(w.behind for w in self.relay.watchers)
            and all(
                page.views and self.tty.printed.ends_with(page.views[-1]) for page in self.pages
            )
        )

    def typed_once(self):
        """Assert that what the machine got from each page is what the page was told it took."""
        for number, page in enumerate(self.pages):
            first = 0x20 + 0x20 * number
            got = bytes(each for each in self.tty.typed if first <= each < first + 0x20)
            rest = got[self.arrived[page] :]
            for least, most, typed in page.unsure:
                length = len(rest) - len(page.typed) if len(page.unsure) == 1 else None
                if length is None:
                    length = longest_shared(rest, typed)
                assert least <= length <= most, (least, length, most)
                assert rest[:length] == typed[:length]
                rest = rest[length:]
            assert rest == page.typed
            assert page.settled_bytes == len(page.typed)
            self.arrived[page], page.typed, page.unsure = len(got), b"", []

    async def recorded(self):
        """Assert that the recordings hold exactly what was shown."""
        rows = [
            each
            async for each in Recording.objects.filter(
                sandbox_id=self.desk.sandbox.pk, machine=self.machine
            ).order_by("started_at")
        ]
        bounds = [*self.openings, len(self.tty.printed.whole)]
        assert len(rows) == len(bounds) - 1
        for row, begin, end in zip(rows, bounds, bounds[1:], strict=False):
            played = cast.read(recordings_folder() / row.path)
            shown = "".join(event.data for event in played.events if event.code == "o").encode()
            new = bytes(self.tty.printed.whole[begin:end])
            assert shown.endswith(new)
            before = shown[: len(shown) - len(new)]
            _, reached = self.tty.printed.screen_ends(before) if begin else (0, 0)
            assert begin in self.tty.printed._places(reached)


def longest_shared(one, other):
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_byte_is_lost_doubled_or_reordered(console_role, settings, seed):
    settings.RANGE_CONSOLES_PER_TRAINEE = 200
    rng = random.Random(seed)
    await start_role(Role())
    try:
        desk = await a_desk()
        benches = [Bench(rng, desk, machine) for machine in ("web", "db")]
        for number in range(STEPS):
            bench = rng.choice(benches)
            await bench.step()
            if number % 50 == 0:
                await asyncio.sleep(0)
                bench.bounded()
            if number % REST_EVERY == REST_EVERY - 1:
                for each in benches:
                    await each.settle()
    except BaseException:
        print(f"MUSTER_FUZZ_SEED={seed} repeats it")
        raise
    finally:
        await stop_role()
    for bench in benches:
        await bench.recorded()
