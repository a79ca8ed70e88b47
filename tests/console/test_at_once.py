"""Keys and echoes that pass at once keep their place among everything that has to wait."""

import asyncio
import random
import uuid

import pytest
import uvicorn
from websockets.frames import Frame, Opcode

from range.console.pace import SMALL_CHUNK_BYTES
from range.console.protocol import MAX_FRAME_BYTES, Close
from range.console.reading import DIRECT, EagerSocket
from range.console.relay import ATTACH_CLEARS, Key, Relay
from range.console.screen import Screen
from range.console.watchers import HIGH_BYTES, Watcher
from range.runtime.driver import Size
from tests.console.live import listening
from tests.console.support import Page, PlainTape, ScriptedStream, until

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Application:
    """Keeps what comes in its order, whichever way it came."""

    def __init__(self):
        self.taken, self.at_once, self.socket = b"", 0, None

    async def __call__(self, scope, receive, send):
        self.socket = scope["extensions"][DIRECT]["socket"]
        await receive()
        await send({"type": "websocket.accept"})
        self.socket.take = self.take
        while (message := await receive())["type"] == "websocket.receive":
            data = message.get("bytes")
            self.taken += message["text"].encode() if data is None else data
            await asyncio.sleep(0)

    def take(self, data):
        if len(self.taken) % 5 == 0:
            return False
        self.taken += data
        self.at_once += 1
        return True


def messages(generator):
    """Return what a client may send: short and long, text and bytes, in pieces, with pings."""
    frames, said = [], b""
    for _ in range(400):
        size = generator.choice([0, 1, 1, 1, 1, 2, 5, 125, 126, 400])
        data = generator.randbytes(size).hex()[:size].encode()
        said += data
        kind = generator.choice([Opcode.BINARY, Opcode.BINARY, Opcode.BINARY, Opcode.TEXT])
        if generator.random() < 0.1:
            middle = size // 2
            frames.append(Frame(kind, data[:middle], fin=False))
            frames.append(Frame(Opcode.PING, b"p"))
            frames.append(Frame(Opcode.CONT, data[middle:]))
        else:
            frames.append(Frame(kind, data))
    return [frame.serialize(mask=True) for frame in frames], said


def cut(frames, generator):
    """Yield the frames' bytes, often one frame, sometimes several, sometimes cut anywhere."""
    rest = list(frames)
    while rest:
        some, rest = rest[: (count := generator.choice([1, 1, 1, 3]))], rest[count:]
        whole = b"".join(some)
        at = generator.randrange(len(whole)) if generator.random() < 0.2 else 0
        yield from (piece for piece in (whole[:at], whole[at:]) if piece)


@pytest.mark.enable_socket
@pytest.mark.parametrize("seed", range(4))
async def test_messages_keep_their_order_however_they_are_cut(seed):
    application, generator = Application(), random.Random(seed)

    def configure(port):
        return uvicorn.Config(
            application, port=port, ws=EagerSocket, loop="uvloop", lifespan="off",
            log_config=None, ws_max_size=MAX_FRAME_BYTES, ws_per_message_deflate=False,
        )  # fmt: skip

    frames, said = messages(generator)
    async with listening(configure) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        await until(lambda: application.socket and application.socket.take)
        for piece in cut(frames, generator):
            writer.write(piece)
            await asyncio.sleep(generator.choice([0, 0, 0.001]))
        await until(lambda: len(application.taken) >= len(said))
        writer.close()
    assert application.taken == said
    assert application.at_once


class EagerStream(ScriptedStream):
    """Offers each chunk first while it is awaited, as the engine's stream does."""

    take = None
    waits = False

    def listen(self, take):
        self.take = take

    def show(self, *chunks):
        for chunk in chunks:
            if not (self.waits and not self.unread and self.take(chunk)):
                super().show(chunk)

    async def read(self):
        self.waits = True
        try:
            return await super().read()
        finally:
            self.waits = False


class Room:
    """A relay on such a stream with one page, which takes frames at once unless told not to."""

    def __init__(self, *, continues=False):
        self.stream, self.tape, self.page = EagerStream(), PlainTape(), Page()
        key = Key(sandbox_id=uuid.uuid4(), machine="web", console="main")
        self.relay = Relay(
            key, self.stream, tape=self.tape, screen=Screen(), size=Size(), continues=continues
        )
        self.watcher = Watcher(self.page.take, cols=80, rows=24, send_now=self.send_now)
        self.takes = True

    def send_now(self, frame):
        if self.takes:
            self.page.frames.append(frame)
        return self.takes

    async def __aenter__(self):
        self.relay.join(self.watcher)
        await until(lambda: self.stream.waits)
        return self

    async def __aexit__(self, *_):
        await self.relay.close(Close.NORMAL)


async def test_an_echo_is_shown_and_recorded_within_the_call():
    async with Room() as room:
        room.stream.show(b"x")
        assert room.page.shown == room.tape.shown == b"x"
        assert room.stream.reads == 0


async def test_short_and_long_output_stays_in_order():
    generator, sent = random.Random(3), b""
    async with Room() as room:
        for _ in range(500):
            chunk = generator.randbytes(generator.choice([1, 3, SMALL_CHUNK_BYTES, 900]))
            sent += chunk
            room.takes = generator.random() < 0.7
            room.stream.show(chunk)
            room.watcher.drawn(10**6)
            await asyncio.sleep(generator.choice([0, 0, 0.003]))
        await until(lambda: len(room.page.shown) >= len(sent))
    assert room.page.shown == room.tape.shown == sent


async def test_a_page_filled_by_short_output_misses_nothing():
    async with Room() as room:
        piece, sent = b"y" * (SMALL_CHUNK_BYTES - 1), 0
        while not room.watcher.full:
            room.stream.show(piece)
            sent += len(piece)
        assert sent > HIGH_BYTES
        room.stream.show(b"one", b"two")
        await asyncio.sleep(0.05)
        assert room.page.shown.endswith(b"y")
        room.watcher.drawn(sent)
        await until(lambda: room.page.shown.endswith(b"onetwo"))
        assert not room.watcher.behind
        assert room.page.shown == room.tape.shown


async def test_a_holders_clearing_is_left_out_though_it_is_short():
    async with Room(continues=True) as room:
        room.stream.show(ATTACH_CLEARS + b"$ ")
        await until(lambda: room.page.shown == b"$ ")


async def test_keys_pass_at_once_only_where_the_terminal_takes_them():
    async with Room() as room:
        assert room.relay.type_now(b"a\r", typing=None)
        assert (room.stream.typed, room.tape.enters) == (b"a\r", 1)
        room.stream.closed = True
        assert not room.relay.type_now(b"b", typing=None)
        assert room.stream.typed == b"a\r"
