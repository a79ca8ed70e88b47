"""A held console's two streams: frames that may be cut anywhere, and bytes that go as they came."""

import asyncio
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.runtime.console_stream import EagerReader
from range.runtime.driver import Size
from range.runtime.held_console import HeldConsole


class Writer:
    """Keeps what is written."""

    def __init__(self):
        self.written = b""

    def write(self, data):
        self.written += data

    def is_closing(self):
        return False

    async def drain(self):
        return None


def framed(data):
    return b"\x01\0\0\0" + len(data).to_bytes(4) + data


def held():
    reader, writer = EagerReader(), Writer()
    return HeldConsole(None, "e1", reader, writer), reader, writer


async def all_read(console, pieces, reader):
    seen = b""
    for piece in pieces:
        reader.feed_data(piece)
        await asyncio.sleep(0)
    reader.feed_eof()
    while came := await console.read():
        seen += came
    return seen


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_frames_may_be_cut_anywhere(shown, cuts):
    async def go():
        console, reader, _ = held()
        stream = b"".join(framed(each) for each in shown)
        edges = sorted({0, len(stream), *(at for at in cuts if at < len(stream))})
        pieces = [stream[a:b] for a, b in pairwise(edges)]
        assert await all_read(console, pieces, reader) == b"".join(shown)

    asyncio.run(go())


@pytest.mark.parametrize("seed", range(5))
async def test_what_is_taken_at_once_and_what_is_read_come_in_one_order(seed):
    generator, seen = random.Random(seed), []
    console, reader, _ = held()

    def take(data):
        if generator.random() < 0.3:
            return False
        seen.append(data)
        return True

    async def pump():
        while came := await console.read():
            seen.append(came)

    console.listen(take)
    pumping = asyncio.create_task(pump())
    shown = [generator.randbytes(generator.choice([1, 2, 300])) for _ in range(300)]
    for each in shown:
        frame = framed(each)
        at = generator.choice([0, 0, 0, 4, 9])
        for piece in (frame[:at], frame[at:]):
            if piece:
                reader.feed_data(piece)
            await asyncio.sleep(0) if generator.random() < 0.5 else None
    reader.feed_eof()
    await pumping
    assert b"".join(seen) == b"".join(shown)


async def test_keys_and_sizes_go_in_frames_on_one_stream():
    console, _, writer = held()
    await console.write(b"ls\r")
    await console.resize(Size(columns=258, rows=3))
    await console.write(b"x")
    assert writer.written == b"K\0\0\0\x03ls\r" + b"S\0\x03\x01\x02" + b"K\0\0\0\x01x"
