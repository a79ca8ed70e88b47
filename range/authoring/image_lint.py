"""Searches built images for what gives a scenario away: in every layer, packed or deleted."""

import bz2
import io
import lzma
import re
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress

from range.authoring.telling import Searcher, copied_whole, secrets_of
from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.runtime.image_layers import FILE_LIMIT_BYTES, ImageTooLarge, LayerFile, files_of
from range.runtime.images import BASE_IMAGE

SECONDS_LIMIT = 120.0
PROBLEM_LIMIT = 20
ENTRIES_LIMIT = 2000
DEPTH_LIMIT = 3
# What readers of packed files raise where one is damaged or encrypted, or only looks like one.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
_GZIP = 16 + zlib.MAX_WBITS
# A flag belongs to one attempt; one that is built in belongs to all. Source: flags.py, its form.
_FLAG = re.compile(rb"FLAG\{[A-Z2-7]{40,}\}")


def image_problems(
    loaded: LoadedScenario, images: Mapping[str, str], *, base: str = BASE_IMAGE
) -> list[Problem]:
    """Return what built images hold that nobody who trains may read.

    Args:
        images: Tag by machine; machines that share an image are searched once.

    Raises:
        EngineDown: The engine does not answer.
    """
    found = [
        _problem(name, "a file of its own", f"all of {source}")
        for name, source in copied_whole(loaded)
    ]
    machines: dict[str, list[str]] = {}
    for machine, tag in images.items():
        # What an operator brought belongs to no scenario.
        if loaded.spec.machines[machine].build is not None and tag != base:
            machines.setdefault(tag, []).append(machine)
    searcher = Searcher(secrets_of(loaded))
    end = time.monotonic() + SECONDS_LIMIT
    for tag, names in machines.items():
        found += _searched(loaded, searcher, tag, names, base=base, end=end)
    return found[:PROBLEM_LIMIT]


def _searched(
    loaded: LoadedScenario,
    searcher: Searcher,
    tag: str,
    machines: list[str],
    *,
    base: str,
    end: float,
) -> list[Problem]:
    build = loaded.spec.machines[machines[0]].build or "?"
    found: dict[tuple[str, str], Problem] = {}
    try:
        for file in files_of(tag, base=base):
            for place, said, source in _told(searcher, file):
                where = f"machine {', '.join(machines)}: layer {file.layer}: {place}"
                found.setdefault(
                    (place, source), _problem(f"{build}/Dockerfile", where, f"{source}: {said!r}")
                )
            if len(found) >= PROBLEM_LIMIT:
                break
            if time.monotonic() > end:
                raise ImageTooLarge(tag)
    except ImageTooLarge:
        problem = Problem(
            severity=Severity.WARNING,
            file=f"{build}/Dockerfile",
            line=0,
            where=f"machine {', '.join(machines)}",
            expected="an image that can be searched to its end",
            found="one that is too large for that",
            suggestion="Nobody has looked whether it holds the solution.",
        )
        return [*found.values(), problem]
    return list(found.values())


def _told(searcher: Searcher, file: LayerFile) -> Iterator[tuple[str, str, str]]:
    for place, data in _unpacked(file.path, file.data, DEPTH_LIMIT):
        if flag := _FLAG.search(data):
            yield place, flag.group(0).decode()[:16] + "…", "a flag that is the same for all"
        for secret in searcher.telling(data):
            yield place, secret.line[:80], secret.source


def _unpacked(path: str, data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    """Yield a file, and what is packed in it, each bounded in size and depth."""
    yield path, data
    if depth == 0:
        return
    with suppress(*_DAMAGED):
        if data.startswith(b"\x1f\x8b"):
            inner = zlib.decompressobj(_GZIP).decompress(data, FILE_LIMIT_BYTES)
            yield from _unpacked(f"{path} (unpacked)", inner, depth - 1)
        elif data.startswith(b"BZh"):
            inner = bz2.BZ2Decompressor().decompress(data, FILE_LIMIT_BYTES)
            yield from _unpacked(f"{path} (unpacked)", inner, depth - 1)
        elif data.startswith(b"\xfd7zXZ"):
            # A dictionary of the packer's choice takes memory before anything is unpacked.
            decoder = lzma.LZMADecompressor(memlimit=64 << 20)
            inner = decoder.decompress(data, FILE_LIMIT_BYTES)
            yield from _unpacked(f"{path} (unpacked)", inner, depth - 1)
    with suppress(*_DAMAGED):
        yield from _entries(path, data, depth)


def _entries(path: str, data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    room = FILE_LIMIT_BYTES
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist()[:ENTRIES_LIMIT]:
                with archive.open(entry) as content:
                    inner = content.read(max(room, 0))
                room -= len(inner)
                yield from _unpacked(f"{path}!{entry.filename}", inner, depth - 1)
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as bundle:
            for number, each in enumerate(bundle):
                content_of = bundle.extractfile(each) if each.isreg() else None
                if content_of is not None:
                    inner = content_of.read(FILE_LIMIT_BYTES)
                    yield from _unpacked(f"{path}!{each.name}", inner, depth - 1)
                if number >= ENTRIES_LIMIT:
                    return


def _problem(file: str, where: str, found: str) -> Problem:
    return Problem(
        severity=Severity.ERROR,
        file=file,
        line=0,
        where=where,
        expected="nothing that gives the solution away",
        found=found,
        suggestion="Whoever trains there can read it, also where a later step deletes it.",
    )
