"""Lists a scenario's folder safely, and digests it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from range.catalog.problems import Problem, ScenarioInvalid, Severity

FILE_LIMIT = 2000
FILE_LIMIT_BYTES = 16 * 1024 * 1024
TOTAL_LIMIT_BYTES = 64 * 1024 * 1024
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


def _strange(name: str, expected: str, found: str) -> Problem:
    return Problem(
        severity=Severity.ERROR, file=name, line=0, where="", expected=expected, found=found
    )
