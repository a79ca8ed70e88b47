"""The cheapest clients there can be, so that a measurement shows the server and not the client."""

import base64
import os
import socket
import statistics
import struct
import time

import docker

PING = 9


class LeanSocket:
    """A blocking WebSocket that knows just enough for keys and their echoes."""

    def __init__(self, port, path, *, cookie, origin):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Origin: {origin}",
            f"Cookie: {cookie}",
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(65536)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        assert b" 101 " in head, head

    def send(self, data):
        # A mask of zeros is a mask; short frames only.
        self.socket.sendall(bytes([0x82, 0x80 | len(data)]) + b"\0\0\0\0" + data)

    def recv(self):
        """Return the next frame's payload, whatever its kind."""
        while (frame := self._frame()) is None:
            more = self.socket.recv(65536)
            assert more, "the console closed the socket"
            self.buffer += more
        return frame

    def close(self):
        self.socket.close()

    def _frame(self):
        if len(self.buffer) < 2 or (self.buffer[1] == 126 and len(self.buffer) < 4):
            return None
        size, at = self.buffer[1] & 0x7F, 2
        if size == 126:
            size, at = struct.unpack("!H", self.buffer[2:4])[0], 4
        if len(self.buffer) < at + size:
            return None
        kind = self.buffer[0] & 0x0F
        payload, self.buffer = self.buffer[at : at + size], self.buffer[at + size :]
        if kind == PING:
            self.socket.sendall(bytes([0x8A, 0x80 | size]) + b"\0\0\0\0" + payload)
        return payload


class BareExec:
    """The engine's own exec socket, blocking: the floor of every console on this engine."""

    def __init__(self, container, user, argv):
        self.engine = docker.APIClient()
        made = self.engine.exec_create(container, argv, tty=True, stdin=True, user=user)
        self.stream = self.engine.exec_start(made["Id"], tty=True, socket=True)
        self.socket = self.stream._sock

    def send(self, data):
        self.socket.sendall(data)

    def recv(self):
        return self.socket.recv(65536)

    def close(self):
        # The response goes first: it flushes the file it was read through.
        self.stream._response.close()
        self.stream.close()
        self.engine.close()


def key(line):
    """Type one letter, wait for its echo, take it back; return the echo's milliseconds."""
    began = time.perf_counter()
    line.send(b"x")
    while b"x" not in line.recv():
        pass
    took = (time.perf_counter() - began) * 1000
    line.send(b"\x7f")
    while b"\x08" not in line.recv():
        pass
    return took


def interleaved(lines, rounds):
    """Measure each line in turn, so that whatever else runs hits all alike."""
    times = {name: [] for name in lines}
    for _ in range(rounds):
        for name, line in lines.items():
            times[name].append(key(line))
        time.sleep(0.01)
    return {
        name: (statistics.median(each), statistics.quantiles(each, n=20)[-1])
        for name, each in times.items()
    }
