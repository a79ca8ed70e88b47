"""All files of a scenario as values: packed as JSON, written to a folder, digested."""

import base64
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from range.catalog.folder import list_files
from range.catalog.problems import Problem, ScenarioInvalid, Severity

# What a version keeps at hand in its own row: seeds, knowledge and solutions.
ASSETS_LIMIT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a scenario."""

    data: bytes
    executable: bool = False

    @property
    def text(self) -> str | None:
        """Return the content as text; None where it is none that a database's JSON could hold."""
        if b"\0" in self.data:
            return None
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    @property
    def sha256(self) -> str:
        """Return the content's digest."""
        return hashlib.sha256(self.data).hexdigest()


type Files = Mapping[str, File]


def packed(files: Files) -> dict[str, Any]:
    """Return files as JSON holds them: text where it is text, base64 elsewhere."""
    return {path: _packed(file) for path, file in sorted(files.items())}


def packed_assets(files: Files) -> dict[str, Any]:
    """Return files as JSON holds them, as long as they are few enough for a row of many.

    Raises:
        ScenarioInvalid: They are too large.
    """
    total = sum(len(file.data) for file in files.values())
    if total > ASSETS_LIMIT_BYTES:
        limit = f"seeds, knowledge and solutions of at most {ASSETS_LIMIT_BYTES} bytes"
        raise ScenarioInvalid([_too_large(limit, total)])
    return packed(files)


def unpacked(stored: Mapping[str, Any]) -> dict[str, File]:
    """Return files from what `packed` made of them."""
    return {path: _unpacked(each) for path, each in stored.items()}


def read_files(folder: Path, names: Iterable[str] | None = None) -> dict[str, File]:
    """Return the files of a folder.

    Args:
        names: Those that are wanted, of what `list_files` returned; None for all of them.

    Raises:
        ScenarioInvalid: It holds a link or a device, or too much.
    """
    wanted = list_files(folder) if names is None else names
    return {name: _read(folder / name) for name in wanted}


def write_files(files: Files, folder: Path) -> None:
    """Write files to a folder, whose paths were judged when they were taken in.

    Raises:
        ValueError: A path leads out of the folder.
    """
    inside = folder.resolve()
    for name, file in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(inside):
            raise ValueError(f"{name!r} leads out of the folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(0o755 if file.executable else 0o644)


@contextmanager
def written_out(files: Files, *, name: str) -> Iterator[Path]:
    """Give a folder of that name with the files in it, for as long as it is needed."""
    place = Path(tempfile.mkdtemp(prefix="muster-scenario-"))
    try:
        folder = place / name
        folder.mkdir()
        write_files(files, folder)
        yield folder
    finally:
        shutil.rmtree(place, ignore_errors=True)


def contexts_of(files: Files) -> dict[str, str]:
    """Return the digest of every build context: a folder from which images could be made.

    The engine takes a folder's Dockerfile for instructions and everything beside and below it for
    what they may use; a name that any builder could take for one counts.
    """
    folders = {path.rpartition("/")[0] for path in files if is_instruction(path)}
    return {folder: _context_digest(files, folder) for folder in sorted(folders)}


def is_instruction(path: str) -> bool:
    """Tell whether an engine could take a file for instructions, whatever a scenario says of it."""
    name = path.rpartition("/")[2].lower()
    return name.startswith(("dockerfile", "containerfile")) or name.endswith("dockerfile")


def _context_digest(files: Files, folder: str) -> str:
    top = f"{folder}/" if folder else ""
    whole = hashlib.sha256(b"muster/build-context/v1\0")
    for path in sorted(path for path in files if path.startswith(top)):
        file = files[path]
        inner = path.removeprefix(top).encode()
        whole.update(inner + (b"\0x" if file.executable else b"\0-") + bytes.fromhex(file.sha256))
    return whole.hexdigest()


def _read(path: Path) -> File:
    return File(data=path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))


def _packed(file: File) -> dict[str, Any]:
    text = file.text
    content = {"base64": base64.b64encode(file.data).decode()} if text is None else {"text": text}
    return content | ({"executable": True} if file.executable else {})


def _unpacked(stored: Mapping[str, Any]) -> File:
    executable = bool(stored.get("executable"))
    if "text" in stored:
        return File(data=str(stored["text"]).encode(), executable=executable)
    return File(data=base64.b64decode(stored["base64"]), executable=executable)


def _too_large(limit: str, total: int) -> Problem:
    return Problem(
        severity=Severity.ERROR, file=".", line=0, where="", expected=limit, found=f"{total}"
    )
