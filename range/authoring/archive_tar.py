"""Reads a tar archive's files block by block; a reader of our own, because it must be bounded.

Only what packs a plain folder is understood: files, folders, long names. Everything else, such as
links, devices and sparse files, is refused by its type before a byte of it is read.
"""

import zlib
from collections.abc import Iterator
from typing import IO

from range.authoring.archive_names import ArchiveRefused, Entry, quoted, sound_path

BLOCK_BYTES = 512
CHUNK_BYTES = 1 << 16
ENTRY_LIMIT = 4000
HEADER_LIMIT_BYTES = 1 << 14
# Every byte that is unpacked: files, and a header, a long name and padding for each.
UNPACKED_LIMIT_BYTES = 80 << 20
_FILE, _FOLDER = (b"0", b"\0"), b"5"
# How the folder that was packed is named where somebody packs what is in it.
_TOP = (".", "./")
_PAX, _PAX_FOR_ALL, _LONG_NAME = b"x", b"g", b"L"


def is_tar(start: bytes) -> bool:
    """Tell whether a file begins as a tar does, packed by gzip or not."""
    return start.startswith(b"\x1f\x8b") or start[257:262] == b"ustar"


def tar_entries(source: IO[bytes]) -> Iterator[Entry]:
    """Yield a tar's files; each must be read before the next is asked for.

    Raises:
        ArchiveRefused: It is no tar, or holds what no scenario needs.
    """
    packed = source.read(2) == b"\x1f\x8b"
    source.seek(0)
    blocks = _Blocks(_inflated(source) if packed else _plain(source))
    long_name = ""
    for _ in range(ENTRY_LIMIT):
        header = blocks.take(BLOCK_BYTES)
        if not header.strip(b"\0"):
            return
        kind, size, name = _understood(header)
        if kind in (_PAX, _PAX_FOR_ALL, _LONG_NAME):
            told = _told(blocks, kind, size)
            long_name = told or long_name
            continue
        name, long_name = long_name or name, ""
        if kind not in (*_FILE, _FOLDER):
            raise ArchiveRefused(f"The archive holds a link or a device: {quoted(name)}.")
        path = () if kind == _FOLDER and name in _TOP else sound_path(name)
        if kind == _FOLDER or name.endswith("/"):
            blocks.skip(_padded(size))
            continue
        left = blocks.left_after(size)
        mode = _number(header[100:108])
        yield Entry(path=path, executable=bool(mode & 0o100), chunks=blocks.chunks(size))
        blocks.skip(blocks.remaining - left + _padded(size) - size)
    raise ArchiveRefused(f"The archive holds more than {ENTRY_LIMIT} entries.")


class _Blocks:
    """A stream cut to measure; it ends where more was unpacked than any scenario needs."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._buffer = b""
        self.remaining = UNPACKED_LIMIT_BYTES

    def take(self, count: int) -> bytes:
        """Return exactly that many bytes."""
        while len(self._buffer) < count:
            part = next(self._parts, b"")
            if not part:
                raise ArchiveRefused("The archive is damaged: it ends in the middle.")
            self._buffer += part
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        self.remaining -= count
        return data

    def left_after(self, count: int) -> int:
        """Return what may still be unpacked after that many bytes."""
        if count > self.remaining:
            raise ArchiveRefused(f"The archive holds more than {UNPACKED_LIMIT_BYTES} bytes.")
        return self.remaining - count

    def chunks(self, count: int) -> Iterator[bytes]:
        """Yield that many bytes in pieces."""
        while count:
            data = self.take(min(count, CHUNK_BYTES))
            count -= len(data)
            yield data

    def skip(self, count: int) -> None:
        """Leave that many bytes out."""
        self.left_after(count)
        for _ in self.chunks(count):
            pass


def _understood(header: bytes) -> tuple[bytes, int, str]:
    """Return an entry's type, size and name."""
    wanted = _number(header[148:156])
    if sum(header[:148]) + sum(header[156:]) + 8 * ord(" ") != wanted:
        raise ArchiveRefused("The archive is damaged, or no tar.")
    prefix = header[345:500] if header[257:263] == b"ustar\0" else b""
    parts = [_text(part.partition(b"\0")[0]) for part in (prefix, header[:100])]
    return header[156:157], _number(header[124:136]), "/".join(part for part in parts if part)


def _told(blocks: _Blocks, kind: bytes, size: int) -> str:
    """Return the name that an extra header gives to the entry after it, if it gives one."""
    if size > HEADER_LIMIT_BYTES:
        raise ArchiveRefused("The archive has a header that is larger than any name.")
    data = blocks.take(_padded(size))[:size]
    if kind == _LONG_NAME:
        return _text(data.rstrip(b"\0"))
    if kind == _PAX_FOR_ALL:
        return ""
    return _pax_path(data)


def _pax_path(data: bytes) -> str:
    path = ""
    while data:
        length, _, _ = data.partition(b" ")
        count = _decimal(length)
        if not len(length) + 1 < count <= len(data):
            raise ArchiveRefused("The archive is damaged: a header does not add up.")
        key, _, value = data[len(length) + 1 : count - 1].partition(b"=")
        if key == b"size" or key.startswith(b"GNU.sparse"):
            raise ArchiveRefused("The archive holds a file of an unusual kind.")
        if key == b"path":
            path = _text(value)
        data = data[count:]
    return path


def _decimal(digits: bytes) -> int:
    if not 1 <= len(digits) <= 6 or not digits.isdigit():
        raise ArchiveRefused("The archive is damaged: a header does not add up.")
    return int(digits)


def _number(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits:
        return 0
    try:
        value = int(digits, 8)
    except ValueError:
        value = -1
    if value < 0:
        raise ArchiveRefused("The archive is damaged, or holds a file of an unusual kind.")
    return value


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = quoted(data.decode("latin-1"))
        raise ArchiveRefused(f"The archive has a name that is not UTF-8: {shown}.") from error


def _padded(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _plain(source: IO[bytes]) -> Iterator[bytes]:
    while data := source.read(CHUNK_BYTES):
        yield data


def _inflated(source: IO[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=31)
    try:
        while data := source.read(CHUNK_BYTES):
            while data:
                if unpacked := inflater.decompress(data, CHUNK_BYTES):
                    yield unpacked
                data = inflater.unconsumed_tail
            if inflater.eof:
                return
    except zlib.error as error:
        raise ArchiveRefused("The archive is damaged, or no tar.gz.") from error
