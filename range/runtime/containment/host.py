"""The host's side of a probe: it listens, watches its cards and knows its addresses."""

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

_TURN_SECONDS = 0.05
_ALL_PROTOCOLS = 0x0003
# A busy host must not make the watcher miss what it waits for. Source: socket(7).
_SO_RCVBUFFORCE = 33
_BUFFER_BYTES = 8 << 20
_TRIES = 20
_ROUTES = Path("/proc/net/fib_trie")
_ADDRESSES6 = Path("/proc/net/if_inet6")
_CARDS = Path("/sys/class/net")


@dataclass(kw_only=True)
class Listener:
    """Serves TCP and UDP on every address of the host.

    Args:
        heard: What each connection or datagram said, an empty one included.
    """

    port: int
    heard: list[bytes] = field(default_factory=list)

    def has(self, word: str) -> bool:
        """Tell whether a word arrived."""
        return any(word.encode() in said for said in list(self.heard))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a watcher knows a packet by: the word in it, or where it is aimed at.

    Args:
        aimed_at: Address and port, for packets that carry no word yet.
    """

    word: str
    aimed_at: tuple[str, int] | None = None


class Watcher:
    """Tells on which cards of the host each word was seen."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self.marks = marks
        self.cards: dict[str, set[str]] = {mark.word: set() for mark in marks}

    def see(self, packet: bytes, card: str) -> None:
        """Look at one packet, from its network header on."""
        aim = _aim(packet)
        for mark in self.marks:
            if mark.word.encode() in packet or (aim is not None and aim == mark.aimed_at):
                self.cards[mark.word].add(card)


class Host:
    """The machine that sandboxes must not reach: this one."""

    def addresses(self) -> list[str]:
        """Return every IPv4 address it answers to, loopback aside."""
        pairs = pairwise(_lines(_ROUTES))
        found = {line.split()[-1] for line, after in pairs if "host LOCAL" in after}
        return sorted(address for address in found if not address.startswith("127."))

    def link_local(self, card: str) -> list[str]:
        """Return the IPv6 addresses of a card."""
        rows = [line.split() for line in _lines(_ADDRESSES6)]
        raw = [row[0] for row in rows if row and row[-1] == card]
        return [":".join(each[i : i + 4] for i in range(0, 32, 4)) for each in raw]

    def card_address(self, card: str) -> str:
        """Return a card's hardware address, empty if there is no such card here."""
        try:
            return (_CARDS / card / "address").read_text("ascii").strip()
        except OSError:
            return ""

    def call(self, address: str, port: int, word: str) -> None:
        """Say a word to a listener of the host from the host itself; unanswered is no error."""
        with suppress(OSError), socket.create_connection((address, port), timeout=1) as streams:
            streams.sendall(word.encode())
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(word.encode(), (address, port))

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Serve TCP and UDP on every address while the block lasts."""
        with ExitStack() as stack:
            streams, datagrams = _servers(stack)
            listener = Listener(port=streams.getsockname()[1])
            # Each of them would hold up the other one in a thread of its own.
            stack.enter_context(_repeating(lambda: _accept(streams, listener)))
            stack.enter_context(_repeating(lambda: _receive(datagrams, listener)))
            yield listener

    @contextmanager
    def watching(self, marks: Sequence[Mark]) -> Iterator[Watcher]:
        """Watch every card while the block lasts.

        Raises:
            PermissionError: Only root may.
        """
        watcher = Watcher(marks)
        kind, protocol = socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS)
        with socket.socket(socket.AF_PACKET, kind, protocol) as sniffer:
            with suppress(OSError):
                sniffer.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
            sniffer.settimeout(_TURN_SECONDS)
            with _repeating(lambda: _sniff(sniffer, watcher)):
                yield watcher


def beyond(cards: Iterable[str], *, own: str) -> list[str]:
    """Return the cards among them that lead out of a sandbox.

    Args:
        own: The sandbox's own bridge.
    """
    return sorted(card for card in cards if card != own and not card.startswith("veth"))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").splitlines()
    except OSError:
        return []


def _servers(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """Return a TCP and a UDP socket on one port of every address, IPv6 where there is any."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    for left in reversed(range(_TRIES)):
        streams = socket.create_server(("", 0), family=family, dualstack_ipv6=both)
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if both:
                datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            datagrams.bind(("", streams.getsockname()[1]))
        except OSError:
            # Somebody else's datagrams have this port.
            streams.close()
            datagrams.close()
            if not left:
                raise
            continue
        for server in (streams, datagrams):
            server.settimeout(_TURN_SECONDS)
            stack.enter_context(server)
        return streams, datagrams
    raise AssertionError("a loop that returns or raises")


def _accept(streams: socket.socket, listener: Listener) -> None:
    connection, _ = streams.accept()
    with connection:
        connection.settimeout(0.5)
        try:
            listener.heard.append(connection.recv(200))
        except OSError:
            listener.heard.append(b"")


def _receive(datagrams: socket.socket, listener: Listener) -> None:
    listener.heard.append(datagrams.recv(200))


def _sniff(sniffer: socket.socket, watcher: Watcher) -> None:
    packet, address = sniffer.recvfrom(2048)
    watcher.see(packet, str(address[0]))


@contextmanager
def _repeating(turn: Callable[[], None]) -> Iterator[None]:
    """Repeat what may time out, in a thread, while the block lasts."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.is_set():
            with suppress(OSError):
                turn()

    thread = threading.Thread(target=repeat, name="probe-host", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _aim(packet: bytes) -> tuple[str, int] | None:
    """Return where an IPv4 packet goes: address and port of TCP or UDP."""
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] not in (6, 17):
        return None
    length = (packet[0] & 0xF) * 4
    if len(packet) < length + 4:
        return None
    return socket.inet_ntoa(packet[16:20]), int(struct.unpack_from("!H", packet, length + 2)[0])
