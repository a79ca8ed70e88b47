"""The server's WebSocket, on which a key and its echo pass at once where nothing stands before.

Every other message takes the server's own way: a queue, a task and several turns of the loop, which
is most of what a key costs here.
"""

from collections.abc import Callable
from typing import Any

from websockets.frames import DATA_OPCODES, Frame
from websockets.http11 import Request
from websockets.protocol import State
from websockets.utils import apply_mask

from range.console.bare_uvicorn import WebSocketsSansIOProtocol

# Messages of one page, of at most 64 KiB each, that may wait before its socket is read no further.
MOST_WAITING = 8
# Where the application finds the socket itself, among the extensions of its scope.
DIRECT = "range.direct"
# The first byte of a whole message. Source: RFC 6455, 5.2.
_TEXT, _BINARY = 0x81, 0x82
_MASKED, _SHORT = 0x80, 126
_MASK_BYTES = 4


class EagerSocket(WebSocketsSansIOProtocol):
    """Stops reading when messages pile up, where uvicorn's own stops after each of them.

    To stop and go on costs five system calls, which is a third of what a key costs here.

    Attributes:
        take: Takes a short binary message at once, or tells that it has to wait in line.
    """

    take: Callable[[bytes], bool] | None = None
    _awaited = False
    _in_pieces = False
    # Bytes that came and bytes that whole frames were made of: alike between two frames.
    _came = 0
    _parsed = 0

    def data_received(self, data: bytes) -> None:
        """Pass a key on at once, or everything in its turn."""
        if self.take is not None and self._is_key(data):
            head = 2 + _MASK_BYTES
            if self.take(apply_mask(data[head:], data[2:head])):
                return
        if self.conn.state is not State.CONNECTING:
            self._came += len(data)
        super().data_received(data)

    def handle_events(self) -> None:
        """Count what frames were made of before they are taken."""
        for event in self.conn.events:
            if isinstance(event, Frame):
                size = len(event.data)
                longer = 0 if size < _SHORT else 2 if size < 1 << 16 else 8
                self._parsed += 2 + longer + _MASK_BYTES + size
                if event.opcode in DATA_OPCODES:
                    self._in_pieces = not event.fin
        super().handle_events()

    def send_now(self, frame: bytes | str) -> bool:
        """Send a message if the network takes it without waiting; tell whether it did."""
        if not self.writable.is_set() or self.disconnected or self.conn.state is not State.OPEN:
            return False
        kind, data = (_BINARY, frame) if isinstance(frame, bytes) else (_TEXT, frame.encode())
        size = len(data)
        if size < _SHORT:
            head = bytes((kind, size))
        elif size < 1 << 16:
            head = bytes((kind, 126)) + size.to_bytes(2)
        else:
            head = bytes((kind, 127)) + size.to_bytes(8)
        self.transport.write(head + data)
        return True

    async def receive(self) -> Any:
        """Return the application's next message."""
        self._awaited = True
        try:
            return await super().receive()
        finally:
            self._awaited = False

    def handle_connect(self, event: Request) -> None:
        """Let the application find this socket."""
        super().handle_connect(event)
        if self.conn.state is State.CONNECTING and self.conn.handshake_exc is None:
            self.scope["extensions"][DIRECT] = {"socket": self}

    def send_receive_event_to_app(self) -> None:
        """Hand a message to the application, and stop reading if enough of them wait."""
        if self.read_paused or self.queue.qsize() >= MOST_WAITING:
            super().send_receive_event_to_app()
            return
        # What is stopped already is not stopped again.
        self.read_paused = True
        try:
            super().send_receive_event_to_app()
        finally:
            self.read_paused = False

    def _is_key(self, data: bytes) -> bool:
        """Tell whether this is one short binary message, and the application has all before it."""
        size = len(data) - 2 - _MASK_BYTES
        return (
            0 < size < _SHORT
            and data[0] == _BINARY
            and data[1] == _MASKED | size
            and self._came == self._parsed
            and not self._in_pieces
            and self._awaited
            and self.queue.empty()
            and self.conn.state is State.OPEN
        )
