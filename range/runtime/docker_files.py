"""Files of a container through the engine's archives: types and sizes judged outside of it."""

import io
import re
import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.parse import urlencode

from range.runtime.driver import EngineDown, FileStat, FileTooLarge
from range.runtime.engine_client import Engine
from range.runtime.engine_http import connection
from range.runtime.engine_socket import refuse
from range.runtime.topology import SeedFile

# A folder is listed by streaming its content; beyond this nobody is meant to look.
_LISTING_LIMIT_BYTES = 64 << 20
# Where the engine's archives carry a file's extended attribute. Source: archive(5), SCHILY keys.
_CAPABILITY = "SCHILY.xattr.security.capability"
_MISSING = b"could not find the file"
# What it says of a path that leads nowhere. Its words, not those of a path that it repeats.
_NOWHERE = re.compile(
    rb'^\{"message":"evalSymlinksInScope: too many links in '
    rb'|: (not a directory|too many levels of symbolic links|file name too long)"\}\s*$',
    re.IGNORECASE,
)


def read(engine: Engine, container: str, path: str, *, limit_bytes: int) -> bytes | None:
    """Return a regular file's content, None if there is none at `path`.

    Raises:
        FileTooLarge: It holds more than `limit_bytes`.
        SandboxGone: The container has gone.
    """
    with _archive(engine, container, path) as archive:
        entry = archive.next() if archive else None
        if archive is None or entry is None or not entry.isreg():
            return None
        if entry.size > limit_bytes:
            raise FileTooLarge(path, limit_bytes=limit_bytes)
        content = archive.extractfile(entry)
        return content.read() if content else None


def look(
    engine: Engine, container: str, path: str, *, limit_bytes: int
) -> tuple[FileStat, bytes | None] | None:
    """Tell what lies at `path`, with its content, from one archive; None if nothing does.

    Raises:
        SandboxGone: The container has gone.
    """
    with _archive(engine, container, path) as archive:
        if archive is None:
            return None
        entry = archive.next()
        if entry is None:
            return _unpackable(path), None
        found = _stat(engine, entry, path)
        content = archive.extractfile(entry) if entry.isreg() else None
        small = content is not None and entry.size <= limit_bytes
        return found, content.read() if content is not None and small else None


def stat(engine: Engine, container: str, path: str) -> FileStat | None:
    """Tell what lies at `path`, a final link not followed; None if nothing does.

    Raises:
        SandboxGone: The container has gone.
    """
    with _archive(engine, container, path) as archive:
        if archive is None:
            return None
        entry = archive.next()
        return _stat(engine, entry, path) if entry else _unpackable(path)


def listing(engine: Engine, container: str, path: str, *, limit: int) -> list[FileStat]:
    """Return at most `limit` entries below a folder, links not followed.

    Raises:
        FileTooLarge: The folder's content exceeds what is streamed.
        SandboxGone: The container has gone.
    """
    with _archive(engine, container, path) as archive:
        first = archive.next() if archive else None
        if archive is None or first is None or not first.isdir():
            return []
        top = first.name.rstrip("/")
        return list(_below(engine, archive, top, path.rstrip("/"), limit=limit))


def put(engine: Engine, container: str, files: Iterable[SeedFile]) -> None:
    """Write files, making missing folders above them; does nothing without files.

    Raises:
        SandboxGone: The container has gone.
        EngineError: A path cannot be written.
    """
    packed = _packed(files)
    if packed:
        with engine.client() as client:
            client.put_archive(container, "/", packed)


def _packed(files: Iterable[SeedFile]) -> bytes:
    buffer = io.BytesIO()
    empty = True
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size, entry.mode = len(file.data), file.mode
            # As if it was written now; a file of 1970 would look out of place to a trainee.
            entry.mtime = int(time.time())
            entry.uid, entry.gid = file.uid, file.gid
            archive.addfile(entry, io.BytesIO(file.data))
            empty = False
    return b"" if empty else buffer.getvalue()


@contextmanager
def _archive(engine: Engine, container: str, path: str) -> Iterator[tarfile.TarFile | None]:
    if not path.startswith("/") or "\0" in path:
        yield None
        return
    query = urlencode({"path": path}, errors="surrogateescape")
    try:
        with connection(engine.socket_path) as http:
            http.request("GET", f"/v{engine.version()}/containers/{container}/archive?{query}")
            answer = http.getresponse()
            if answer.status >= 400:
                said = answer.read(32768)
                if not _is_missing(answer.status, said):
                    refuse(answer.status, said)
                yield None
                return
            with tarfile.open(fileobj=answer, mode="r|", errors="surrogateescape") as archive:
                yield archive
    except (tarfile.TarError, HTTPException) as error:
        raise EngineDown("an archive ended early") from error


def _is_missing(status: int, said: bytes) -> bool:
    if status == 404:
        return _MISSING in said.lower()
    return status == 500 and _NOWHERE.search(said) is not None


def _below(
    engine: Engine, archive: tarfile.TarFile, top: str, path: str, *, limit: int
) -> Iterator[FileStat]:
    seen: dict[str, int] = {}
    streamed = 0
    while len(seen) < limit and (entry := archive.next()) is not None:
        streamed += entry.size
        if streamed > _LISTING_LIMIT_BYTES:
            raise FileTooLarge(path, limit_bytes=_LISTING_LIMIT_BYTES)
        # A further name of a file that came before carries no size of its own.
        size = seen.get(entry.linkname, 0) if entry.islnk() else entry.size
        seen[entry.name] = size
        # Archives remember every entry; a listing does not need them.
        archive.members = []  # type: ignore[attr-defined]
        name = path + _printable(entry.name.removeprefix(top))
        yield _stat(engine, entry, name, size_bytes=size)


def _unpackable(path: str) -> FileStat:
    # The engine leaves sockets out of its archives: there is something, and no more is told.
    return FileStat(path=path, mode=0, uid=-1, gid=-1, size_bytes=0, is_special=True)


def _stat(
    engine: Engine, entry: tarfile.TarInfo, path: str, *, size_bytes: int | None = None
) -> FileStat:
    # Archives carry the host's numbers, unlike those that are put.
    uid, gid = engine.inside(entry.uid, entry.gid)
    return FileStat(
        path=path.rstrip("/") or "/",
        mode=entry.mode & 0o7777,
        uid=uid,
        gid=gid,
        size_bytes=entry.size if size_bytes is None else size_bytes,
        is_link=entry.issym(),
        is_directory=entry.isdir(),
        is_special=not (entry.isreg() or entry.islnk() or entry.issym() or entry.isdir()),
        link_target=_printable(entry.linkname) if entry.issym() else "",
        modified_at=float(entry.mtime),
        capabilities=entry.pax_headers.get(_CAPABILITY, "").encode("utf-8", "surrogateescape"),
    )


def _printable(name: str) -> str:
    # Names are bytes of the trainee's choice; what is no UTF-8 is shown, and stored, escaped.
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
