"""Raw engine streams against an engine that refuses, babbles or dies, and frames cut anywhere."""

import asyncio
import contextlib
import json
import socket
import struct
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.runtime.console_stream import AsyncEngine, EngineConsole
from range.runtime.driver import EngineDown, EngineError, SandboxGone, SandboxPaused, Size
from range.runtime.engine_client import Engine
from range.runtime.engine_socket import Hijacked, hijack, parse_head, refuse, request_bytes


def reply(status, body=b"", *, chunked=False):
    head = f"HTTP/1.1 {status} X\r\n"
    if chunked:
        pieces = b"".join(b"%x\r\n%s\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
        return head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def message(text):
    return json.dumps({"message": text}).encode()


CREATED = reply(201, b'{"Id": "e1"}')
ENDED = reply(200, b'{"Running": false}')
UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n"


@pytest.fixture
def engine():
    """Return a function that serves scripted answers on a socket, one connection at a time."""
    servers = []
    with tempfile.TemporaryDirectory() as folder:

        def serve(*connections):
            path = str(Path(folder) / f"s{len(servers)}")
            server = socket.socket(socket.AF_UNIX)
            server.bind(path)
            server.listen()
            servers.append(server)
            threading.Thread(target=_answer, args=(server, connections), daemon=True).start()
            return path

        yield serve
        for server in servers:
            server.close()


def _answer(server, connections):
    for answers in connections:
        line, _ = server.accept()
        # Whoever has heard enough hangs up.
        with line, contextlib.suppress(OSError):
            for answer in answers:
                line.recv(65536)
                line.sendall(answer)


def open_console(path):
    engine = AsyncEngine(path, "1.41")
    return EngineConsole.open(engine, "c1", {"Cmd": ["sh"]}, Size())


async def test_a_console_is_opened_and_what_came_with_the_answer_is_not_lost(engine):
    path = engine(
        [CREATED, UPGRADED + b"early "], [reply(201)], [reply(200, b'{"Running": false}')]
    )
    console = await open_console(path)
    assert await console.read() == b"early "
    assert await console.read() == b""
    await console.close()


async def test_an_answer_in_chunks_is_understood(engine):
    path = engine([reply(201, b'{"Id": "e1"}', chunked=True), UPGRADED], [reply(200)], [ENDED])
    console = await open_console(path)
    await console.close()


@pytest.mark.parametrize(
    ("answers", "meaning"),
    [
        ([reply(404, message("No such container: c1"))], SandboxGone),
        ([reply(409, message("Container c1 is not running"))], SandboxGone),
        ([reply(409, message("Container c1 is paused, unpause first"))], SandboxPaused),
        ([reply(500, message("out of order"))], EngineError),
        ([reply(500, b"<html>")], EngineError),
        ([CREATED, reply(404, message("No such exec"))], SandboxGone),
        ([b""], EngineDown),
        ([b"SSH-2.0\r\n\r\n"], EngineDown),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"], EngineDown),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000 + b"\r\n"], EngineDown),
    ],
)
async def test_a_refusal_is_understood(engine, answers, meaning):
    with pytest.raises(meaning):
        await open_console(engine(answers))


async def test_an_engine_that_is_not_there_is_down(tmp_path):
    with pytest.raises(EngineDown):
        await open_console(str(tmp_path / "nothing"))


async def test_an_engine_that_never_answers_is_given_up(engine, monkeypatch):
    from range.runtime import console_stream

    monkeypatch.setattr(console_stream, "_CONNECT_SECONDS", 0.1)
    server = socket.socket(socket.AF_UNIX)
    with tempfile.TemporaryDirectory() as folder, server:
        server.bind(f"{folder}/silent")
        server.listen()
        with pytest.raises(EngineDown, match="in time"):
            await open_console(f"{folder}/silent")


async def test_typing_into_an_engine_that_died_says_so(engine):
    path = engine([CREATED, UPGRADED], [reply(201)], [ENDED])
    console = await open_console(path)
    assert await console.read() == b""
    with pytest.raises(SandboxGone):
        await type_for_long(console)
    await console.close()


async def type_for_long(console):
    for _ in range(50):
        await console.write(b"x" * 100_000)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("status", [200, 201, 204, 301])
def test_what_is_no_error_is_not_refused(status):
    refuse(status, b"")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1", b"HTTP/1.1 two hundred", b"\xff\xfe 200"])
def test_noise_is_no_answer(head):
    with pytest.raises(EngineDown):
        parse_head(head)


def test_a_request_carries_its_body_and_its_length():
    sent = request_bytes("POST", "/x", {"a": 1}, upgrade=True)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert json.loads(body) == {"a": 1}
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Upgrade: tcp" in head


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300)), max_size=8),
    st.integers(1, 40),
)
def test_frames_are_put_together_however_they_were_cut(frames, step):
    wire = b"".join(struct.pack(">BxxxL", stream, len(data)) + data for stream, data in frames)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for start in range(0, len(wire), step):
            theirs.sendall(wire[start : start + step])
        theirs.close()
        seen = {1: b"", 2: b""}
        for stream, data in Hijacked(ours, b"").frames():
            seen[stream] += data
    for stream in (1, 2):
        assert seen[stream] == b"".join(data for number, data in frames if number == stream)


def test_a_stream_that_ends_in_a_frame_just_ends():
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(struct.pack(">BxxxL", 1, 100) + b"part")
        theirs.close()
        assert list(Hijacked(ours, b"").frames()) == [(1, b"part")]


def test_a_refused_stream_is_understood(engine):
    with pytest.raises(SandboxGone):
        hijack(engine([reply(409, message("is not running"))]), "/exec/1/start", {}, timeout=2)
    with pytest.raises(EngineDown):
        hijack("/nowhere/socket", "/exec/1/start", {}, timeout=2)


def test_an_engine_elsewhere_is_down_and_not_a_traceback(tmp_path):
    for url in (f"unix://{tmp_path}/nothing", "unix:///dev/null"):
        with pytest.raises(EngineDown):
            Engine(url).version()
        with pytest.raises(EngineDown), Engine(url).client():
            raise AssertionError("no client should be lent")


@pytest.mark.parametrize("told", [b"", b"[]", b"{}", b"<html>"])
def test_an_engine_without_a_version_is_down(engine, told):
    with pytest.raises(EngineDown):
        Engine(f"unix://{engine([reply(200, told)])}").version()


def test_an_engine_on_another_machine_is_not_supported_yet():
    with pytest.raises(EngineDown):
        Engine("tcp://203.0.113.1:2376").socket_path  # noqa: B018
