"""One HTTP question to a machine nobody trusts: bounded in time and size, never surprised."""

import socket
import threading
import time
from datetime import timedelta

import pytest

from range.runtime.driver import HTTP_BODY_LIMIT_BYTES
from range.runtime.http_probe import ask


class Server:
    """Answers one connection with scripted bytes, remembering what it was asked."""

    def __init__(self, *pieces, pause=0.0, hold=False, until=b""):
        self.pieces, self.pause, self.hold, self.until = pieces, pause, hold, until
        self.asked = b""
        self.called = []
        self.threads = []

    def connect(self, host, port):
        self.called.append((host, port))
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=self._serve, args=(theirs,), daemon=True)
        thread.start()
        self.threads.append(thread)
        return ours

    def _serve(self, theirs):
        try:
            self.asked = theirs.recv(65536)
            while self.until not in self.asked and (piece := theirs.recv(65536)):
                self.asked += piece
            for piece in self.pieces:
                theirs.sendall(piece)
                time.sleep(self.pause)
            if self.hold:
                theirs.recv(1)
        except OSError:
            pass
        finally:
            theirs.close()


def answer(body=b"", *, status="200 OK", headers=b""):
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n".encode() + headers + b"\r\n" + body


def test_status_headers_and_body_come_back():
    server = Server(answer(b"hello", status="404 Not Found", headers=b"X-A: 1\r\nX-A: 2\r\n"))
    reply = ask(server.connect, "GET", "http://web:8080/a?b=c")
    assert (reply.status, reply.body) == (404, b"hello")
    assert [value for name, value in reply.headers if name == "X-A"] == ["1", "2"]
    assert server.called == [("web", 8080)]
    assert server.asked.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: web:8080\r\n")


def test_a_body_and_headers_are_sent():
    server = Server(answer(), until=b"k=v")
    ask(
        server.connect,
        "POST",
        "http://web/",
        headers=[("Cookie", "a=1"), ("host", "x")],
        body=b"k=v",
    )
    assert b"Content-Length: 3\r\n" in server.asked
    assert b"Cookie: a=1\r\n" in server.asked
    assert server.asked.lower().count(b"host:") == 1
    assert server.asked.endswith(b"k=v")


@pytest.mark.parametrize(("url", "port"), [("http://web/", 80), ("https://web/", 443)])
def test_the_port_follows_from_the_scheme(url, port):
    server = Server(b"")
    ask(server.connect, "GET", url, timeout=timedelta(seconds=1))
    assert server.called == [("web", port)]


def test_a_redirect_is_reported_and_not_followed():
    server = Server(answer(status="302 Found", headers=b"Location: http://169.254.169.254/\r\n"))
    assert ask(server.connect, "GET", "http://web/").status == 302
    assert len(server.called) == 1


def test_a_body_without_end_is_cut():
    server = Server(answer(b"x" * (HTTP_BODY_LIMIT_BYTES + 100_000)))
    reply = ask(server.connect, "GET", "http://web/")
    assert len(reply.body) == HTTP_BODY_LIMIT_BYTES


@pytest.mark.timeout(60)
def test_an_answer_that_trickles_is_given_up():
    # Of which the last piece would come long after this test's own end.
    server = Server(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 10_000, pause=0.05)
    assert ask(server.connect, "GET", "http://web/", timeout=timedelta(seconds=0.4)) is None


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("said", [(), (b"\x16\x03\x03",) * 20])
@pytest.mark.timeout(60)
def test_silence_is_given_up(scheme, said):
    server = Server(*said, pause=0.1, hold=True)
    assert ask(server.connect, "GET", f"{scheme}://web/", timeout=timedelta(seconds=0.3)) is None


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        bytes(range(256)) * 20,
    ],
)
def test_what_is_no_http_is_no_answer(noise):
    assert ask(Server(noise).connect, "GET", "http://web/", timeout=timedelta(seconds=2)) is None


def test_a_refused_connection_is_no_answer():
    def refused(host, port):
        raise ConnectionRefusedError

    assert ask(refused, "GET", "http://web/") is None


@pytest.mark.parametrize("url", ["ftp://web/", "web:80", "http://", "file:///etc/passwd", ""])
def test_an_url_that_is_none_of_ours_is_a_mistake(url):
    with pytest.raises(ValueError, match="expected an http or https URL"):
        ask(Server().connect, "GET", url)
