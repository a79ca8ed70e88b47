"""Connections made by a trusted program in the range's own peer, where we may not enter."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from range.runtime.engine_client import Engine
from range.runtime.engine_socket import Hijacked, hijack

type _Pump = Callable[[Hijacked, socket.socket, bytes], None]

# Runs in a container of the base image that no trainee can enter: it connects, says "+" or an
# error number, and then passes bytes on in both directions.
_PROGRAM = """
import os, socket, sys, threading
addresses, port, timeout = sys.argv[1].split(","), int(sys.argv[2]), float(sys.argv[3])
problem = 111
for address in addresses:
    s = socket.socket()
    s.settimeout(timeout)
    try:
        s.connect((address, port))
        break
    except OSError as error:
        problem = error.errno or 110
        s.close()
else:
    os.write(1, b"%d\\n" % problem)
    sys.exit(1)
s.settimeout(None)
os.write(1, b"+\\n")
def send():
    while data := os.read(0, 65536):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := s.recv(65536):
    os.write(1, data)
"""
# Passes datagrams on, each behind its length in two bytes.
_DATAGRAMS = """
import os, socket, sys, threading
s = socket.socket(type=socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
os.write(1, b"+\\n")
def send():
    with os.fdopen(0, "rb") as source:
        while len(head := source.read(2)) == 2:
            try:
                s.send(source.read(int.from_bytes(head, "big")))
            except OSError:
                pass
    os._exit(0)
threading.Thread(target=send, daemon=True).start()
while True:
    try:
        data = s.recv(65535)
    except OSError:
        continue
    sys.stdout.buffer.write(len(data).to_bytes(2, "big") + data)
    sys.stdout.buffer.flush()
"""


def connect_through(
    engine: Engine, container: str, addresses: Sequence[str], port: int, *, timeout: float
) -> socket.socket:
    """Return one end of a pair whose other end is a connection made inside the container.

    Raises:
        OSError: No address accepted the connection.
        SandboxGone: The container has gone.
    """
    arguments = [",".join(addresses), str(port), str(timeout)]
    stream, rest = _started(engine, container, [_PROGRAM, *arguments], timeout=timeout)
    return _joined(stream, socket.SOCK_STREAM, _send, _receive, rest)


def datagrams_through(
    engine: Engine, container: str, address: str, port: int, *, timeout: float
) -> socket.socket:
    """Return one end of a pair that keeps datagrams apart; the other end is in the container.

    Raises:
        SandboxGone: The container has gone.
    """
    program = [_DATAGRAMS, address, str(port)]
    stream, rest = _started(engine, container, program, timeout=timeout)
    return _joined(stream, socket.SOCK_SEQPACKET, _send_each, _receive_each, rest)


def _started(
    engine: Engine, container: str, program: Sequence[str], *, timeout: float
) -> tuple[Hijacked, bytes]:
    with engine.client() as client:
        command = ["python3", "-I", "-c", *program]
        exec_id = client.exec_create(container, command, stdin=True)["Id"]
    path = f"/v{engine.version()}/exec/{exec_id}/start"
    stream = hijack(engine.socket_path, path, {"Detach": False, "Tty": False}, timeout=timeout + 10)
    rest = _verdict(stream)
    stream.connection.settimeout(None)
    return stream, rest


def _joined(
    stream: Hijacked, kind: socket.SocketKind, send: _Pump, receive: _Pump, rest: bytes
) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    for work in (send, receive):
        threading.Thread(target=work, args=(stream, theirs, rest), daemon=True).start()
    return ours


def _verdict(stream: Hijacked) -> bytes:
    said = b""
    for _, data in stream.frames():
        said += data
        if b"\n" in said:
            break
    verdict, _, rest = said.partition(b"\n")
    if verdict != b"+":
        stream.close()
        number = int(verdict) if verdict.isdigit() else 111
        raise OSError(number, os.strerror(number))
    return rest


def _send(stream: Hijacked, theirs: socket.socket, rest: bytes) -> None:
    with suppress(OSError):
        while data := theirs.recv(1 << 16):
            stream.connection.sendall(data)
        stream.connection.shutdown(socket.SHUT_WR)


def _receive(stream: Hijacked, theirs: socket.socket, rest: bytes) -> None:
    with suppress(OSError):
        theirs.sendall(rest)
        for _, data in stream.frames():
            theirs.sendall(data)
    with suppress(OSError):
        theirs.shutdown(socket.SHUT_WR)
    stream.close()


def _send_each(stream: Hijacked, theirs: socket.socket, rest: bytes) -> None:
    with suppress(OSError):
        while data := theirs.recv(1 << 16):
            stream.connection.sendall(len(data).to_bytes(2, "big") + data)
        stream.connection.shutdown(socket.SHUT_WR)


def _receive_each(stream: Hijacked, theirs: socket.socket, rest: bytes) -> None:
    waiting = rest
    with suppress(OSError):
        for _, data in stream.frames():
            waiting += data
            while len(waiting) >= 2 and len(waiting) >= (end := 2 + int.from_bytes(waiting[:2])):
                theirs.sendall(waiting[2:end])
                waiting = waiting[end:]
    with suppress(OSError):
        theirs.shutdown(socket.SHUT_WR)
    stream.close()
