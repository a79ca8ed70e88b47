"""Keys typed in Chromium while the network cuts, delays and swallows: each arrives, only once."""

import asyncio
import contextlib
import random
import threading

import pytest

from range.console.protocol import Close
from range.console.role import current_role
from tests.console.test_browser import chromium_place

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = 40
CUTS = 8


class Network:
    """Carries connections to a port, late, until they are cut."""

    def __init__(self, port, rng):
        self.port, self.rng = port, rng
        self.swallows = False
        self._loop = asyncio.new_event_loop()
        self._lines, self._carrying = set(), set()
        self._server = self._loop.run_until_complete(self._listen())
        self.door = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _listen(self):
        return await asyncio.start_server(self._carry, "127.0.0.1", 0)

    async def _carry(self, reader, writer):
        self._carrying.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._lines.add(writer)
        passing = [
            asyncio.create_task(self._pass(reader, far_writer, typed=True)),
            asyncio.create_task(self._pass(far_reader, writer, typed=False)),
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        self._lines.discard(writer)
        # The far end may learn of the cut late, with what was typed still on its way to it.
        await asyncio.sleep(self.rng.choice([0, 0.05, 0.6]))
        for each in passing:
            each.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
        for end in (far_writer, writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _pass(self, reader, writer, *, typed):
        while data := await self._read(reader):
            await asyncio.sleep(self.rng.uniform(0, 0.03))
            if not (typed and self.swallows):
                writer.write(data)
                await writer.drain()

    @staticmethod
    async def _read(reader):
        with contextlib.suppress(OSError):
            return await reader.read(65536)
        return b""

    def cut(self):
        """End every connection on the browser's side."""
        self._loop.call_soon_threadsafe(lambda: [each.transport.abort() for each in self._lines])

    async def _end(self):
        self._server.close()
        self.cut()
        await asyncio.wait(self._carrying)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextlib.contextmanager
def behind(seed, made, port):
    made.append(Network(port, random.Random(seed)))
    try:
        yield made[0].door
    finally:
        made[0].close()


@pytest.fixture(params=[1, 2])
def cut_place(request, console_role, settings, monkeypatch):
    made = []
    with chromium_place(
        settings, monkeypatch, between=lambda port: behind(request.param, made, port)
    ) as place:
        yield place, made[0]


def test_each_key_arrives_once_although_the_network_dies_under_it(cut_place):
    place, network = cut_place
    place.workspace()
    rng, typed = random.Random(7), ""
    cuts = set(rng.sample(range(WORDS), CUTS))
    for number in range(WORDS):
        word = f"word{number:03} "
        place.type(word)
        typed += word
        if number in cuts:
            network.cut()
        place.page.wait_for_timeout(rng.choice([0, 5, 40, 200]))
    place.until(lambda: len(place.sitting.terminal().typed) >= len(typed))
    place.page.wait_for_timeout(700)
    assert place.sitting.terminal().typed.decode() == typed
    place.shows(typed[-20:].strip())


def test_a_console_that_cannot_know_what_arrived_says_so_and_types_nothing_twice(cut_place):
    place, network = cut_place
    place.workspace()
    place.type("before ")
    place.until(lambda: place.sitting.terminal().typed == b"before ")
    place.page.wait_for_timeout(500)
    network.swallows = True
    place.type("rm -rf old")
    place.page.wait_for_timeout(200)
    # As a restarted role does: another relay, which does not know this page.
    (relay,) = current_role().registry.relays()
    loop = relay.closed.get_loop()
    asyncio.run_coroutine_threadsafe(relay.close(Close.RESTART), loop).result(5)
    place.type("er-files")
    network.swallows = False
    network.cut()
    place.page.get_by_text("What you typed last may not have arrived").wait_for(timeout=10_000)
    place.type("after")
    place.until(lambda: place.sitting.terminal().typed.endswith(b"after"))
    assert place.sitting.terminal().typed == b"before after"
