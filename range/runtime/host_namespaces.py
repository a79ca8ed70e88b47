"""Sockets opened inside another process's network namespace, without running anything there."""

import os
import socket
import threading
from collections.abc import Callable, Sequence


def inside[T](pid: int, work: Callable[[], T]) -> T:
    """Do something in the network namespace of a process, and return what it returns.

    A namespace belongs to a thread: one enters, works and ends.

    Raises:
        OSError: Entering or the work failed; PermissionError if this process may not enter.
    """
    made: list[T] = []
    failed: list[OSError] = []

    def enter() -> None:
        try:
            _enter_network_of(pid)
            made.append(work())
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=enter, name="network-namespace", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def connect_in(
    pid: int,
    addresses: Sequence[str],
    port: int,
    *,
    timeout: float,
    datagrams: bool = False,
    source: str = "",
) -> socket.socket:
    """Connect from the network namespace of a process to the first address that accepts.

    A socket belongs for ever to the namespace it was made in.

    Args:
        datagrams: Over UDP, where the first address is taken for granted.
        source: Address of the namespace that it comes from; the usual one when empty.

    Raises:
        OSError: No address accepted the connection.
        PermissionError: This process may not enter the namespace.
    """
    kind = socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM
    return inside(pid, lambda: _first(addresses, port, kind, timeout=timeout, source=source))


def _enter_network_of(pid: int) -> None:
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.setns(descriptor, os.CLONE_NEWNET)
    finally:
        os.close(descriptor)


def _first(
    addresses: Sequence[str], port: int, kind: socket.SocketKind, *, timeout: float, source: str
) -> socket.socket:
    problem: OSError = ConnectionRefusedError("no address to connect to")
    for address in addresses:
        connection = socket.socket(socket.AF_INET, kind)
        try:
            connection.settimeout(timeout)
            if source:
                connection.bind((source, 0))
            connection.connect((address, port))
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem
