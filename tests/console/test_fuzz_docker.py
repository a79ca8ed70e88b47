"""A thousand random steps on a real container: its kernel, its holder, the engine's raw socket.

See test_fuzz.py, which does a hundred thousand without them.
"""

import asyncio
import os
import random

import pytest
from asgiref.sync import sync_to_async

from range.console import cast
from range.console.models import ExtraConsole, Recording
from range.console.protocol import Close
from range.console.services import recordings_folder
from tests.console.fuzzing import Printed
from tests.console.live import Desk, attempt_of, person, sandbox_of, serving, sign_in
from tests.console.live_twin import LiveTwin
from tests.console.support import until
from tests.console.test_docker import TYPING, machine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.django_db(transaction=True),
]
__all__ = ["machine"]
STEPS = 1_000
REOPEN_EVERY = 350
SEEDS = [int(each) for each in os.environ.get("MUSTER_FUZZ_SEED", "").split()] or [1]
BURST = b"#"
# Writes down what it is sent and what it prints, byte for byte, and answers everything.
PROGRAM = rb"""
import os, random, tty
tty.setraw(0)
typed, printed = open("/tmp/typed", "wb", 0), open("/tmp/printed", "wb", 0)
rng = random.Random(7)
def show(data):
    printed.write(data)
    while data:
        data = data[os.write(1, data):]
show(b"\r\nprogram runs\r\n")
while True:
    data = os.read(0, 4096)
    typed.write(data)
    for _ in range(data.count(b"#")):
        for _ in range(rng.randint(10, 3000)):
            word = "%06x \u00e9\u4e2d " % rng.getrandbits(24)
            show(word.encode() * rng.randint(1, 4) + b"\r\n")
    show(b"<" + data.hex().encode() + b">\r\n")
"""


@pytest.fixture
async def place(machine, console_role):
    driver, handle = machine

    def prepare():
        driver.put_file(handle, "web", "/opt/program.py", PROGRAM)
        trainee = person()
        attempt = attempt_of(trainee)
        ExtraConsole.objects.create(attempt=attempt, machine="web", console="bytes")
        sandbox = sandbox_of(attempt, driver="docker", handle=handle.to_json())
        return Desk(trainee, attempt, sandbox, sign_in(trainee))

    desk = await sync_to_async(prepare)()
    async with serving() as server:
        pages = [LiveTwin(f"page{number:08}", server, desk, "web", "bytes") for number in range(2)]
        yield Bench(driver, handle, desk, server, pages)
        for page in pages:
            await page.leave()


class Bench:
    """Two pages on one console, in which a program keeps account."""

    def __init__(self, driver, handle, desk, server, pages):
        self.driver, self.handle, self.desk = driver, handle, desk
        self.server, self.pages = server, pages
        self.before = b""
        self.begun = {}
        self.openings = [0]

    async def begin(self):
        first = self.pages[0]
        await first.until(lambda seen: TYPING in seen)
        first.type(b"exec python3 /opt/program.py\r")
        await first.until(lambda seen: b"program runs\r\n" in seen)
        self.before = first.seen[: first.seen.index(b"\r\nprogram runs")]
        await until(lambda: all(page.ready and not page.kept for page in self.pages), seconds=20)
        self.begun = {page: len(page.typed) for page in self.pages}

    async def file(self, name):
        found = await asyncio.to_thread(self.driver.read_file, self.handle, "web", f"/tmp/{name}")
        return found or b""

    def types(self, rng, page, length):
        first = 0x40 + 0x20 * self.pages.index(page)
        data = bytes(first + (each & 0x1F) for each in rng.randbytes(length))
        page.type(data + (BURST if rng.random() < 0.05 and page is self.pages[0] else b""))

    async def rest(self):
        """Wait until everything typed has been answered and everybody has seen it; look."""
        for page in self.pages:
            page.draws = True
            page.draw()
        await until(lambda: all(page.ready and not page.kept for page in self.pages), seconds=60)
        before = None
        for _ in range(60):
            seen = [len(page.seen) for page in self.pages]
            if seen == before:
                break
            before = seen
            await asyncio.sleep(1)
        typed = await self.file("typed")
        for number, page in enumerate(self.pages):
            letters = range(0x40 + 0x20 * number, 0x60 + 0x20 * number)
            mine = bytes(each for each in typed if each in letters)
            sent = page.typed[self.begun[page] :].replace(BURST, b"")
            assert mine == sent
            assert page.unsure == []
        printed = Printed(self.before + await self.file("printed"))
        for page in self.pages:
            assert printed.check(page.views) == len(printed.whole)
        return printed

    async def reopen(self):
        """End the relay as a restart does."""
        self.openings.append(len((await self.rest()).whole))
        (relay,) = self.server.role.registry.relays()
        await relay.close(Close.RESTART)
        await until(
            lambda: (
                relay not in self.server.role.registry.relays()
                and len(self.server.role.registry.relays()) == 1
                and all(page.ready for page in self.pages)
            ),
            seconds=30,
        )


async def step(rng, bench):
    page = rng.choice(bench.pages)
    act = rng.choices(
        ["type", "paste", "cut", "resize", "stall", "draw", "wait"], [60, 1, 2, 6, 2, 6, 20]
    )[0]
    if act == "type":
        bench.types(rng, page, rng.randint(1, 12))
    elif act == "paste":
        bench.types(rng, page, rng.randint(2_000, 12_000))
    elif act == "cut":
        page.cut()
    elif act == "resize":
        page.say(type="resize", cols=rng.randint(20, 200), rows=rng.randint(5, 60))
    elif act in ("stall", "draw"):
        page.draws = act == "draw"
        if page.draws:
            page.draw()
    else:
        await asyncio.sleep(rng.choice([0, 0.001, 0.01, 0.05]))


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_byte_is_lost_doubled_or_reordered_on_a_real_machine(place, seed):
    rng = random.Random(seed)
    await place.begin()
    for number in range(STEPS):
        await step(rng, place)
        if number % REOPEN_EVERY == REOPEN_EVERY - 1:
            await place.reopen()
    printed = await place.rest()
    for page in place.pages:
        await page.leave()
    (relay,) = place.server.role.registry.relays()
    await relay.close(Close.NORMAL)
    await recorded(place, printed)


async def recorded(bench, printed):
    rows = [
        each
        async for each in Recording.objects.filter(sandbox=bench.desk.sandbox).order_by(
            "started_at"
        )
    ]
    bounds = [*bench.openings, len(printed.whole)]
    for row, begin, end in zip(rows, bounds, bounds[1:], strict=False):
        played = cast.read(recordings_folder() / row.path)
        shown = "".join(event.data for event in played.events if event.code == "o").encode()
        assert shown.endswith(bytes(printed.whole[begin:end]))
        assert printed.plain.startswith(shown[: len(shown) - (end - begin)]) or begin
