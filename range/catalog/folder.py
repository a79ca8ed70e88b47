"""Lists a scenario's folder safely, digests it, and packs the files that publication needs."""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from range.catalog.problems import Problem, ScenarioInvalid, Severity

FILE_LIMIT = 2000
FILE_LIMIT_BYTES = 16 * 1024 * 1024
TOTAL_LIMIT_BYTES = 64 * 1024 * 1024
ASSETS_LIMIT_BYTES = 8 * 1024 * 1024
# What editors and systems leave behind; never part of a scenario.
IGNORED = frozenset({".DS_Store", "__pycache__", ".git", ".pytest_cache"})


def list_files(folder: Path) -> list[str]:
    """Return the paths of a scenario's files, sorted.

    Raises:
        ScenarioInvalid: It holds a link or a device, or too much.
    """
    problems: list[Problem] = []
    found: list[str] = []
    total = 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if IGNORED.intersection(path.parts) or path.suffix == ".pyc" or name.endswith("~"):
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            problems.append(_strange(name, "an ordinary file or folder", "a link or a device"))
        elif path.is_file():
            size = path.stat().st_size
            total += size
            if size > FILE_LIMIT_BYTES:
                problems.append(_strange(name, f"at most {FILE_LIMIT_BYTES} bytes", f"{size}"))
            found.append(name)
        if len(found) > FILE_LIMIT or total > TOTAL_LIMIT_BYTES:
            limit = f"at most {FILE_LIMIT} files and {TOTAL_LIMIT_BYTES} bytes in all"
            raise ScenarioInvalid([*problems, _strange(".", limit, "more")])
    if problems:
        raise ScenarioInvalid(problems)
    return found


def digest_of(folder: Path, files: Iterable[str]) -> str:
    """Return a digest over names, contents and executable bits of a scenario's files."""
    whole = hashlib.sha256(b"muster/scenario/v1\0")
    for name in sorted(files):
        path = folder / name
        executable = b"x" if path.stat().st_mode & 0o100 else b"-"
        content = hashlib.sha256(path.read_bytes()).digest()
        whole.update(name.encode() + b"\0" + executable + content)
    return whole.hexdigest()


def pack(folder: Path, files: Iterable[str]) -> dict[str, Any]:
    """Return files as they are stored with a version: text where it is text, base64 elsewhere.

    Raises:
        ScenarioInvalid: They are too large to be stored in a row.
    """
    packed: dict[str, Any] = {}
    total = 0
    for name in sorted(set(files)):
        data = (folder / name).read_bytes()
        total += len(data)
        packed[name] = packed_bytes(data)
    if total > ASSETS_LIMIT_BYTES:
        limit = f"seeds, knowledge and solutions of at most {ASSETS_LIMIT_BYTES} bytes"
        raise ScenarioInvalid([_strange(".", limit, f"{total}")])
    return packed


def packed_bytes(data: bytes) -> dict[str, Any]:
    """Return a file's content as JSON holds it: text where it is text, base64 elsewhere."""
    text = text_of(data)
    return {"base64": base64.b64encode(data).decode()} if text is None else {"text": text}


def text_of(data: bytes) -> str | None:
    """Return bytes as text; None where they are none that a database's JSON could hold."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _strange(name: str, expected: str, found: str) -> Problem:
    return Problem(
        severity=Severity.ERROR, file=name, line=0, where="", expected=expected, found=found
    )
