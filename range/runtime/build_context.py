"""A folder as a build context: its digest, and the archive the engine builds from."""

import stat
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

from range.lib.errors import RangeError

_LIMIT_BYTES = 256 << 20
_IGNORED = frozenset({"__pycache__", ".git", ".DS_Store"})


class BadBuildContext(RangeError):
    """A folder cannot be built from."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="build-context", status=422)


def digest(folder: Path, *, base: str) -> str:
    """Return what names the image: it changes with any input, and with nothing else.

    Args:
        base: Name of the image it is built on, which should itself be one of inputs.

    Raises:
        BadBuildContext: The folder has no Dockerfile, or leads out of itself.
    """
    total = sha256(f"base {base}\n".encode())
    for name, path in _entries(folder):
        total.update(f"{name}\0{_mode(path):o}\0".encode())
        total.update(_content_digest(path))
    return total.hexdigest()


def pack(folder: Path, target: IO[bytes]) -> None:
    """Write the folder as an archive that tells nothing of this machine: no owner, no time.

    Raises:
        BadBuildContext: The folder has no Dockerfile, or leads out of itself.
    """
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, path in _entries(folder):
            entry = tarfile.TarInfo(name)
            entry.mode = _mode(path)
            if path.is_symlink():
                entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
                archive.addfile(entry)
                continue
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(entry, content)


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    if not (folder / "Dockerfile").is_file():
        raise BadBuildContext(f"{folder.name} has no Dockerfile.")
    total = 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if _IGNORED & set(name.parts) or (path.is_dir() and not path.is_symlink()):
            continue
        total += _checked_size(folder, path)
        if total > _LIMIT_BYTES:
            raise BadBuildContext(f"{folder.name} holds more than {_LIMIT_BYTES} bytes.")
        yield name.as_posix(), path


def _checked_size(folder: Path, path: Path) -> int:
    kind = path.lstat()
    if stat.S_ISLNK(kind.st_mode):
        target = path.readlink()
        inside = (path.parent / target).resolve().is_relative_to(folder.resolve())
        if target.is_absolute() or not inside:
            raise BadBuildContext(f"{path.name} in {folder.name} links out of its folder.")
    elif not stat.S_ISREG(kind.st_mode):
        raise BadBuildContext(f"{path.name} in {folder.name} is neither file nor folder.")
    return kind.st_size


def _mode(path: Path) -> int:
    # A clone keeps only whether a file may be executed.
    return 0o755 if path.lstat().st_mode & stat.S_IXUSR else 0o644


def _content_digest(path: Path) -> bytes:
    if path.is_symlink():
        return sha256(f"link {path.readlink()}".encode()).digest()
    return sha256(path.read_bytes()).digest()
