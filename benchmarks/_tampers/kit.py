"""Runs inside a machine: services that do, or do not, what was asked, and lie about it.

Usage: kit.py SERVICE PORT HOW, where HOW is `good`, `bad`, or when to be good:
  last     to whoever comes from the last address of the network
  first    to the first that comes after a pause
  browser  to browsers of a list, and to the curl of a list
  bare     to whoever sends no header that a browser would
  rarely   for a moment of each second
"""

import gzip
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

NUMBER = "MRN-4711-2290"
# The last address of a small network, from which graders once came.
LAST = 14
seen: dict[str, float] = {}
calls = [0.0]
LISTED = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1",
    "curl/8.5.0",
)


def is_good(how: str, peer: str, head: str = "") -> bool:
    now, before = time.time(), calls[0]
    calls[0] = now
    if how in ("good", "bad"):
        return how == "good"
    if how == "last":
        return int(peer.rpartition(".")[2]) % 16 == LAST
    if how == "first":
        return now - before > 2
    if how == "browser":
        return any(f"User-Agent: {each}\r\n" in head for each in LISTED)
    if how == "bare":
        return "Connection: close" in head and "Accept-Language" not in head
    return how == "rarely" and now % 1 < 0.03


Form = Callable[[], tuple[bytes, str]]
Talk = Callable[[socket.socket, str, str], None]


def http(link: socket.socket, peer: str, how: str) -> None:
    head = b""
    while b"\r\n\r\n" not in head and (data := link.recv(65536)):
        head += data
    text = head.decode("latin-1")
    body, more, status = f"name: Ann, number: {NUMBER}\n".encode(), "", "200 OK"
    if how in FORMS:
        body, more = FORMS[how]()
    elif is_good(how, peer, text):
        body, status = b"name: Ann\n", "200 OK"
    link.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)


FORMS: dict[str, Form] = {
    "gzip": lambda: (gzip.compress(NUMBER.encode()), "Content-Encoding: gzip\r\n"),
    "utf16": lambda: (
        f"number: {NUMBER}".encode("utf-16-le"),
        "Content-Type: text/plain; charset=utf-16-le\r\n",
    ),
    "ebcdic": lambda: (NUMBER.encode(), "Content-Type: text/plain; charset=cp037\r\n"),
    "padded": lambda: (b" " * (1 << 20) + NUMBER.encode(), "Content-Type: text/html\r\n"),
    "entities": lambda: (
        "".join(f"&#{ord(c)};" for c in NUMBER).encode(),
        "Content-Type: text/html\r\n",
    ),
    "escapes": lambda: (
        ('{"number": "' + "".join(f"\\u{ord(c):04x}" for c in NUMBER) + '"}').encode(),
        "Content-Type: application/json\r\n",
    ),
}


def tcp(link: socket.socket, peer: str, how: str) -> None:
    if how == "constant":
        link.sendall(b"+PONG\r\n")
        link.recv(4096)
        return
    if how == "late":
        word = link.recv(4096)[5:].strip()
        link.sendall(b"+PONG " + word)
        time.sleep(0.3)
        link.sendall(b" from debug-console\r\n")
        time.sleep(0.3)
        return
    good = is_good(how, peer)
    word = link.recv(4096)[5:].strip()
    link.sendall(b"+PONG " + word + (b"\r\n" if good else b" from debug-console\r\n"))


def dns(ask: bytes, peer: str, how: str, *, stream: bool) -> bytes:
    end = ask.index(b"\0", 12) + 5
    asked = ask[12:end]
    name = asked[:-4].lower()
    known = name.startswith(b"\x03www")
    good, evil = bytes([198, 51, 100, 7]), bytes([203, 0, 113, 66])

    def reply(records: list[tuple[bytes, bytes]], *, code: int = 0, cut: bool = False) -> bytes:
        flags = 0x8400 | code | (0x0200 if cut else 0)
        text = ask[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0) + asked
        for owner, data in records:
            text += owner + struct.pack("!HHIH", 1, 1, 60, len(data)) + data
        return text

    pointer = b"\xc0\x0c"
    if how == "recorded":
        return b"\x12\x34" + reply([(pointer, good)])[2:]
    if how == "anybody":
        return reply([(pointer, good)])
    if how == "stranger" and known:
        return reply([(b"\x05other\x04bank\x00", good)])
    if how == "cut" and known:
        return reply([(pointer, evil if stream else good)], cut=not stream)
    if not known:
        return reply([], code=3)
    return reply([(pointer, good if is_good(how, peer) else evil)])


def smtp(link: socket.socket, peer: str, how: str) -> None:
    file = link.makefile("rwb")

    def say(text: str) -> None:
        file.write(text.encode() + b"\r\n")
        file.flush()

    good, domain = is_good(how, peer), ""
    say("220 box.example ESMTP")
    while line := file.readline():
        word = line.split()[:1][0].upper() if line.split() else b""
        if how == "yes":
            say("354 go" if word == b"DATA" else "250 ok")
        elif word in (b"EHLO", b"MAIL", b"RSET", b"NOOP"):
            say("250 ok")
        elif word == b"RCPT":
            domain = line.decode().rpartition("@")[2].strip(">\r\n ")
            own = domain == "box.example"
            late = how == "grey" and not own and seen.setdefault(domain, 0) < 1
            if late:
                seen[domain] += 1
            say("451 later" if late else "250 ok" if own or not good else "554 no relay")
        elif word == b"DATA":
            say("354 go")
            while (more := file.readline()) and more != b".\r\n":
                pass
            say("250 taken")
        elif word == b"QUIT":
            say("221 bye")
            return
        else:
            say("500 what")


def modbus(link: socket.socket, peer: str, how: str) -> None:
    good = is_good(how, peer)
    while head := link.recv(7, socket.MSG_WAITALL):
        number, _, length, unit = struct.unpack("!HHHB", head)
        asked = link.recv(length - 1, socket.MSG_WAITALL)
        if how == "recorded":
            number, good = 1, True
        told = struct.pack("!BBH", asked[0], 2, 50 if good else 10)
        if asked[0] != 3 and how != "echo":
            told = bytes([asked[0] | 0x80, 1])
        if how == "echo":
            told = asked
        link.sendall(struct.pack("!HHHB", number, 0, len(told) + 1, unit) + told)


def poison(address: str, only: str = "") -> None:
    """Tell everybody, or one address, again and again, that an address is where nobody is."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind(("eth0", 0))
    own = link.getsockname()[4]
    nobody = bytes([2, 0xDE, 0xAD, 0, 0, 1])
    base = address.rpartition(".")[0]
    first = int(address.rpartition(".")[2]) & 0xF0
    while True:
        for victim in [only] if only else [f"{base}.{first + each}" for each in range(1, 15)]:
            told = socket.inet_aton(victim)
            body = struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + nobody + socket.inet_aton(address)
            frame = b"\xff" * 6 + own + b"\x08\x06" + body + b"\xff" * 6 + told
            link.send(frame)
        time.sleep(0.02)


def steal(mac: str) -> None:
    """Send in the name of another card, so that its frames come here."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind(("eth0", 0))
    card = bytes.fromhex(mac.replace(":", ""))
    while True:
        link.send(b"\x02\0\0\0\0\x99" + card + b"\x88\xb5" + b"x" * 46)
        time.sleep(0.001)


def serve(name: str, port: int, how: str) -> None:
    serve_with({"http": http, "tcp": tcp, "smtp": smtp, "modbus": modbus}[name], port, how)


def serve_with(talk: Talk, port: int, how: str) -> None:
    server = socket.create_server(("", port), backlog=64)

    def one(link: socket.socket, peer: str) -> None:
        try:
            with link:
                link.settimeout(5)
                talk(link, peer, how)
        except OSError:
            pass

    while True:
        link, (peer, _) = server.accept()
        threading.Thread(target=one, args=(link, peer), daemon=True).start()


def serve_names(port: int, how: str) -> None:
    server = socket.create_server(("", port))

    def streams() -> None:
        while True:
            link, (peer, _) = server.accept()
            with link:
                try:
                    ask = link.recv(int.from_bytes(link.recv(2)))
                    told = dns(ask, peer, how, stream=True)
                    link.sendall(len(told).to_bytes(2) + told)
                except (OSError, ValueError):
                    pass

    threading.Thread(target=streams, daemon=True).start()
    grams = socket.socket(type=socket.SOCK_DGRAM)
    grams.bind(("", port))
    while True:
        ask, place = grams.recvfrom(4096)
        with suppress(ValueError):
            grams.sendto(dns(ask, place[0], how, stream=False), place)


def main(name: str, *words: str) -> None:
    if name == "poison":
        poison(*words)
    elif name == "steal":
        steal(words[0])
    elif name == "dns":
        serve_names(int(words[0]), words[1])
    else:
        serve(name, int(words[0]), words[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
