"""A page that sends faster than its messages are taken is read no further, and loses nothing."""

import asyncio

import pytest
import uvicorn
import websockets

from range.console.protocol import MAX_FRAME_BYTES
from range.console.reading import MOST_WAITING, EagerSocket
from tests.console.live import listening
from tests.console.support import until

pytestmark = pytest.mark.enable_socket
PIECE = 16 * 1024
# What the event loop reads from a socket in one go.
READ_BYTES = 256 * 1024


class Application:
    """Accepts a socket, and takes its messages only when told."""

    def __init__(self):
        self.goes = asyncio.Event()
        self.taken = []

    async def __call__(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await self.goes.wait()
        while (message := await receive())["type"] == "websocket.receive":
            self.taken.append(message["bytes"])


async def test_messages_that_pile_up_stop_the_reading_and_all_arrive():
    application, sockets = Application(), []

    class Remembered(EagerSocket):
        def connection_made(self, transport):
            sockets.append(self)
            super().connection_made(transport)

    def configure(port):
        return uvicorn.Config(
            application,
            port=port,
            ws=Remembered,
            loop="uvloop",
            lifespan="off",
            log_config=None,
            ws_max_size=MAX_FRAME_BYTES,
        )

    sent = [b"%06d" % number + b"x" * (PIECE - 6) for number in range(3000)]
    async with (
        listening(configure) as port,
        websockets.connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as page,
    ):
        typing = asyncio.create_task(send_all(page, sent))
        await until(lambda: sockets and sockets[0].queue.qsize() >= MOST_WAITING)
        await asyncio.sleep(0.3)
        waiting, done = sockets[0].queue.qsize(), typing.done()
        application.goes.set()
        assert not done
        assert waiting <= MOST_WAITING + READ_BYTES // PIECE
        await typing
        await until(lambda: len(application.taken) == len(sent), seconds=20)
    assert application.taken == sent


async def send_all(page, pieces):
    for piece in pieces:
        await page.send(piece)
