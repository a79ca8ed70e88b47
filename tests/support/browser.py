"""A Chromium in a network of its own, which launches on this machine do not disturb.

Chromium drops whatever it is loading when the host gains or loses a network, and every sandbox that
starts beside a test makes it do so. Here it sees a network that never changes, from which the ports
of a test's site lead to this machine.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Chromium calls itself offline where it sees nothing but the loopback interface, and an address
# that the kernel makes up a second later would be a change.
NETWORK = """
set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
ip link add steady type veth peer name peer
ip link set steady addrgenmode none
ip link set peer addrgenmode none
ip address add 192.0.2.2/24 dev steady
ip link set peer up
ip link set steady up
echo ready
exec cat
"""


@contextlib.contextmanager
def chromium(*ports: int) -> Iterator[Browser]:
    """A browser that reaches these ports of this machine and nothing else."""
    with _steady_network(ports) as program, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def _steady_network(ports: tuple[int, ...]) -> Iterator[str]:
    """Yield the program that starts Chromium inside; without root there is only the host's."""
    if os.geteuid() != 0:
        yield CHROMIUM
        return
    # The network lasts as long as this child, and the child as long as its input is open.
    with (
        subprocess.Popen(
            ["unshare", "--net", "sh", "-c", NETWORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder,
        TemporaryDirectory() as folder,
    ):
        assert holder.stdout.readline() == b"ready\n"
        inside = f"/proc/{holder.pid}/ns/net"
        program = Path(folder) / "chromium"
        program.write_text(f'#!/bin/sh\nexec nsenter --net={inside} {CHROMIUM} "$@"\n')
        program.chmod(0o755)
        with _forwarding([(_listen(inside, port), port) for port in ports]):
            yield str(program)
        holder.stdin.close()


def _listen(network: str, port: int) -> socket.socket:
    """Return a socket that listens in another network, opened by a thread that went there."""

    def enter_and_listen() -> socket.socket:
        with Path(network).open("rb") as there:
            os.setns(there.fileno(), os.CLONE_NEWNET)
        return socket.create_server(("127.0.0.1", port))

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(enter_and_listen).result()


@contextlib.contextmanager
def _forwarding(doors: list[tuple[socket.socket, int]]) -> Iterator[None]:
    """Carry connections from these sockets to these ports of this machine, in a thread."""
    stops = []
    started = threading.Event()

    async def run() -> None:
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(ending.set))
        servers = [await asyncio.start_server(partial(_carry, port), sock=s) for s, port in doors]
        started.set()
        await ending.wait()
        for server in servers:
            server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        stops[0]()
        thread.join(10)


async def _carry(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
        there, back = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.closing(back):
            pumps = {asyncio.create_task(_pump(reader, back))}
            pumps.add(asyncio.create_task(_pump(there, writer)))
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
