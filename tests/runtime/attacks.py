"""What a hostile trainee runs inside a machine, and how the host watches for its effects."""

import socket
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

# Sends one UDP datagram as a raw frame to a card of the attacker's choice, past any routing.
RAW_FRAME = """
import socket, struct, sys
card, source, target, port, word = sys.argv[1:6]
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
payload = word.encode()
udp = struct.pack("!HHHH", 40000, int(port), 8 + len(payload), 0) + payload
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                   socket.inet_aton(source), socket.inet_aton(target))
head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind(("eth0", 0))
    frame = bytes.fromhex(card.replace(":", "")) + s.getsockname()[4] + b"\\x08\\x00" + head + udp
    for _ in range(3):
        s.send(frame)
"""

# Calls the kernel directly; prints the error number, 0 for success.
SYSTEM_CALL = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
number, *rest = (int(word, 0) for word in sys.argv[1:])
done = libc.syscall(number, *(ctypes.c_long(word) for word in rest))
print(0 if done >= 0 else ctypes.get_errno())
"""

SOCKET_FAMILY = """
import socket, sys
try:
    socket.socket(int(sys.argv[1]), int(sys.argv[2])).close()
    print(0)
except OSError as error:
    print(error.errno)
"""

FORK_BOMB = """
import os, time
children = 0
try:
    while children < 5000:
        if os.fork() == 0:
            time.sleep(4)
            os._exit(0)
        children += 1
except OSError:
    pass
print(children, flush=True)
"""

MEMORY_HOG = """
hoard = []
for _ in range(64):
    hoard.append(bytearray(16 << 20))
print("survived")
"""


@contextmanager
def listening_host(word):
    """Serve UDP and TCP on every address of the host; yield the port and what arrived."""
    arrived = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as streams,
    ):
        streams.bind(("0.0.0.0", 0))
        port = streams.getsockname()[1]
        datagrams.bind(("0.0.0.0", port))
        streams.listen()
        stop = threading.Event()

        def receive():
            datagrams.settimeout(0.05)
            streams.settimeout(0.05)
            while not stop.is_set():
                for source, take in ((datagrams, "recv"), (streams, "accept")):
                    try:
                        got = source.recv(100) if take == "recv" else source.accept()[1]
                    except TimeoutError:
                        continue
                    arrived.append(got)

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield port, arrived
        finally:
            stop.set()
            thread.join()


@contextmanager
def watching_every_card(word):
    """Yield the names of the host's cards on which `word` is seen."""
    seen = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as sniffer:
        sniffer.settimeout(0.05)
        stop = threading.Event()

        def sniff():
            while not stop.is_set():
                try:
                    data, address = sniffer.recvfrom(2048)
                except TimeoutError:
                    continue
                if word.encode() in data:
                    seen.add(address[0])

        thread = threading.Thread(target=sniff)
        thread.start()
        try:
            yield seen
            time.sleep(0.3)
        finally:
            stop.set()
            thread.join()


def outside(cards):
    """Return the cards among them that are not a sandbox's own."""
    return {card for card in cards if not card.startswith(("rng-", "veth"))}


def host_addresses():
    """Return every IPv4 address this host answers to, loopback aside."""
    lines = Path("/proc/net/fib_trie").read_text().splitlines()
    pairs = pairwise(lines)
    found = {line.split()[-1] for line, after in pairs if "host LOCAL" in after}
    return sorted(address for address in found if not address.startswith("127."))


def card_address(card):
    """Return a network card's hardware address."""
    return Path(f"/sys/class/net/{card}/address").read_text().strip()
