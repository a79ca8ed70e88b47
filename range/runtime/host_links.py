"""Addresses, neighbours and bridge ports, set by the kernel's own messages; no program is run.

Source: rtnetlink(7), linux/neighbour.h, linux/if_addr.h.
"""

import errno
import os
import socket
import struct

_NEW_ADDRESS, _NEW_NEIGHBOUR = 20, 28
_REQUEST, _ACKNOWLEDGE, _REPLACE, _CREATE = 0x1, 0x4, 0x100, 0x400
_HEADER = struct.Struct("=IHHII")
_NEIGHBOUR = struct.Struct("=BxHiHBB")
_ADDRESS = struct.Struct("=BBBBI")
_BRIDGE = 7
_PERMANENT, _STATIC = 0x80, 0x42
_BY_MASTER = 0x4
_ERROR = 2
_HARDWARE_ADDRESS = 0x8927


def add_address(interface: int, address: str, prefix: int) -> None:
    """Give an interface of this namespace one more address; having it already is success.

    Raises:
        OSError: The kernel refuses.
    """
    packed = socket.inet_aton(address)
    body = _ADDRESS.pack(socket.AF_INET, prefix, 0, 0, interface)
    body += _attribute(2, packed) + _attribute(1, packed)
    _tell(_NEW_ADDRESS, _CREATE | _REPLACE, body)


def set_neighbour(interface: int, address: str, card: str) -> None:
    """Fix which card an address has, for this namespace; no answer on the wire changes it.

    Raises:
        OSError: The kernel refuses.
    """
    body = _NEIGHBOUR.pack(socket.AF_INET, 0, interface, _PERMANENT, 0, 0)
    body += _attribute(1, socket.inet_aton(address)) + _attribute(2, _packed(card))
    _tell(_NEW_NEIGHBOUR, _CREATE | _REPLACE, body)


def set_port(port: int, card: str) -> None:
    """Fix behind which port of a bridge a card is.

    Raises:
        OSError: The kernel refuses.
    """
    body = _NEIGHBOUR.pack(_BRIDGE, 0, port, _STATIC, _BY_MASTER, 0)
    _tell(_NEW_NEIGHBOUR, _CREATE | _REPLACE, body + _attribute(2, _packed(card)))


def interface_of(card: str) -> int:
    """Return the number of the interface of this namespace that has a card's address.

    Raises:
        OSError: None has.
    """
    # Python has no other way to ask a namespace that is not this process's own.
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for number, name in socket.if_nameindex():
            told = fcntl.ioctl(link, _HARDWARE_ADDRESS, struct.pack("256s", name.encode()))
            if told[18:24] == _packed(card):
                return number
    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


def _packed(card: str) -> bytes:
    return bytes.fromhex(card.replace(":", ""))


def _attribute(kind: int, data: bytes) -> bytes:
    padding = b"\0" * (-len(data) % 4)
    return struct.pack("=HH", 4 + len(data), kind) + data + padding


def _tell(kind: int, flags: int, body: bytes) -> None:
    size = _HEADER.size + len(body)
    head = _HEADER.pack(size, kind, _REQUEST | _ACKNOWLEDGE | flags, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.settimeout(5)
        link.bind((0, 0))
        link.send(head + body)
        answer = link.recv(65536)
    _, told, _, _, _ = _HEADER.unpack_from(answer)
    number = struct.unpack_from("=i", answer, _HEADER.size)[0] if told == _ERROR else 0
    if number and -number != errno.EEXIST:
        raise OSError(-number, os.strerror(-number))
