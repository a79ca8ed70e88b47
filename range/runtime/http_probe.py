"""One HTTP question over a connection somebody else opened, bounded in time and size."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit

from range.runtime.driver import HTTP_BODY_LIMIT_BYTES, HttpReply

type Connect = Callable[[str, int], socket.socket]

_PORTS = {"http": 80, "https": 443}


def ask(
    connect: Connect,
    method: str,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    timeout: timedelta = timedelta(seconds=5),
) -> HttpReply | None:
    """Ask and return the answer, None if nothing answered in HTTP in time.

    Args:
        connect: Opens the connection to a host and port.

    Raises:
        ValueError: The URL is not one of http or https with a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"expected an http or https URL, got {url!r}")
    port = parts.port or _PORTS[parts.scheme]
    try:
        with _ended_after(connect(parts.hostname, port), timeout) as opened:
            secured = _wrapped(opened) if parts.scheme == "https" else opened
            with closing(secured) as stream:
                return _exchange(stream, method, parts, headers=headers, body=body)
    except (OSError, HTTPException, ValueError):
        return None


def _exchange(
    stream: socket.socket,
    method: str,
    parts: SplitResult,
    *,
    headers: Sequence[tuple[str, str]],
    body: bytes,
) -> HttpReply:
    http = HTTPConnection(parts.hostname or "")
    http.sock = stream
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = {name.lower() for name, _ in headers}
    http.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in _defaults(parts, body):
        if name.lower() not in named:
            http.putheader(name, value)
    for name, value in headers:
        http.putheader(name, value)
    http.endheaders(body or None)
    with http.getresponse() as answer:
        content = answer.read(HTTP_BODY_LIMIT_BYTES + 1)
        return HttpReply(
            status=answer.status,
            headers=tuple(answer.getheaders()),
            body=content[:HTTP_BODY_LIMIT_BYTES],
            is_cut=len(content) > HTTP_BODY_LIMIT_BYTES,
        )


def _defaults(parts: SplitResult, body: bytes) -> Iterator[tuple[str, str]]:
    # Nothing that ordinary clients leave out: a service could tell whoever looks by it.
    yield "Host", parts.netloc.rpartition("@")[2]
    if body:
        yield "Content-Length", str(len(body))


@contextmanager
def _ended_after(opened: socket.socket, timeout: timedelta) -> Iterator[socket.socket]:
    """Hang up when the time is over: a byte a second would outlive any socket's time-out."""
    seconds = timeout.total_seconds()
    opened.settimeout(seconds)
    over = threading.Event()
    # Encryption takes the socket over; this further name for it still hangs up.
    guard = opened.dup()

    def hang_up() -> None:
        over.set()
        with suppress(OSError):
            guard.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield opened
        if over.is_set():
            # What was cut off looks like an answer that ended.
            raise TimeoutError
    finally:
        timer.cancel()
        guard.close()
        opened.close()


def _wrapped(opened: socket.socket) -> ssl.SSLSocket:
    # Machines of a sandbox sign for themselves; what is asked is whether they serve.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(opened)
