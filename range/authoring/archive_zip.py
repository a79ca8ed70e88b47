"""Reads a zip archive's files, after its directory was found to be small and plain."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from range.authoring.archive_names import ArchiveRefused, Entry, quoted, sound_path

ENTRY_LIMIT = 4000
DIRECTORY_LIMIT_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = b"PK\x06\x07"
_LOCATOR_BYTES = 20
_COMMENT_LIMIT = 1 << 16
_ENCRYPTED = 0x1
_UTF8 = 0x800
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def is_zip(start: bytes) -> bool:
    """Tell whether a file begins as a zip does."""
    return start.startswith(b"PK")


def zip_entries(source: IO[bytes]) -> Iterator[Entry]:
    """Yield a zip's files.

    Raises:
        ArchiveRefused: It is no zip, or holds what no scenario needs.
    """
    _check_directory(source)
    with _refusing(), zipfile.ZipFile(source) as archive:
        infos = archive.infolist()
        if len(infos) > ENTRY_LIMIT:
            raise ArchiveRefused(f"The archive holds more than {ENTRY_LIMIT} entries.")
        for info in infos:
            _check(info)
        for info in infos:
            path = sound_path(info.orig_filename)
            if not info.is_dir():
                executable = bool(info.external_attr >> 16 & 0o100)
                yield Entry(path=path, executable=executable, chunks=_chunks(archive, info))


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn whatever the library says of a damaged archive into a refusal."""
    try:
        yield
    except _DAMAGED as error:
        raise ArchiveRefused("The archive is damaged, or no zip.") from error


def _check_directory(source: IO[bytes]) -> None:
    """Look at the record that the library will trust, before it reads a directory of any size."""
    size = source.seek(0, 2)
    tail_bytes = min(size, _END.size + _LOCATOR_BYTES + _COMMENT_LIMIT)
    source.seek(size - tail_bytes)
    tail = source.read(tail_bytes)
    place = len(tail) - _END.size
    if place < 0 or tail[place : place + 4] != _END_SIGNATURE or tail[-2:] != b"\0\0":
        place = tail.rfind(_END_SIGNATURE)
    if place < 0 or len(tail) < place + _END.size:
        raise ArchiveRefused("The archive is damaged, or no zip.")
    if tail[max(0, place - _LOCATOR_BYTES) : place].startswith(_LOCATOR):
        raise ArchiveRefused("The archive is of the large kind (zip64), which no scenario needs.")
    record = _END.unpack(tail[place : place + _END.size])
    entries, directory_bytes = record[4], record[5]
    if entries > ENTRY_LIMIT or directory_bytes > DIRECTORY_LIMIT_BYTES:
        raise ArchiveRefused(f"The archive holds more than {ENTRY_LIMIT} entries.")


def _check(info: zipfile.ZipInfo) -> None:
    shown = quoted(info.orig_filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveRefused(f"The archive holds a link or a device: {shown}.")
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveRefused(f"The archive is encrypted: {shown}.")
    # Other methods inflate without a bound in one step.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveRefused(f"The archive is packed in an unusual way: {shown}.")
    if not info.flag_bits & _UTF8 and not info.orig_filename.isascii():
        raise ArchiveRefused(f"The archive has a name that is not UTF-8: {shown}.")


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with _refusing(), archive.open(info) as content:
        while data := content.read(CHUNK_BYTES):
            yield data
