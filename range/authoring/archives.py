"""Scenarios as archives: written for whoever wants one, and read as what an enemy made."""

import fcntl
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from range.authoring.archive_names import ArchiveRefused, Entry, Names, is_left_out, quoted
from range.authoring.archive_tar import is_tar, tar_entries
from range.authoring.archive_zip import is_zip, zip_entries
from range.authoring.skeleton import FolderTaken
from range.catalog.editor_schema import refresh_schema
from range.catalog.folder import FILE_LIMIT, FILE_LIMIT_BYTES, TOTAL_LIMIT_BYTES, list_files
from range.catalog.lint import lint
from range.catalog.problems import ScenarioInvalid, Severity
from range.catalog.reader import SCENARIO_FILE, LoadedScenario, read_scenario
from range.catalog.source import is_instruction

# Where archives are unpacked: beside the scenarios, so that one rename puts a scenario in place.
WORKSHOP = ".importing"
REPLACED = "replaced"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class BuildsRefused(ArchiveRefused):
    """An archive brings programs that would run while an image is built."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The archive brings {quoted(name)}: what builds images comes from whoever runs the "
            "range. They may import it with manage.py import_scenario --allow-builds FILE, once "
            "they have read it."
        )


def export_scenario(folder: Path, target: IO[bytes]) -> None:
    """Write a scenario as a zip; the same content gives the same bytes.

    Raises:
        ScenarioInvalid: The folder holds a link or a device, or too much.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in list_files(folder):
            path = folder / name
            entry = zipfile.ZipInfo(f"{folder.name}/{name}", _EPOCH)
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def import_scenario(
    source: IO[bytes], root: Path, *, allow_builds: bool = False, replace: bool = False
) -> LoadedScenario:
    """Put an archive's scenario among the others, whole and checked, or not at all.

    Args:
        allow_builds: Whether it may bring Dockerfiles; only for whoever runs the range.
        replace: Whether it may take the place of a scenario of the same id.

    Raises:
        ArchiveRefused: The archive holds what no scenario needs.
        ScenarioInvalid: The scenario cannot be read, or lint finds an error.
        FolderTaken: A scenario of that id is there.
    """
    with workshop(root) as place:
        folder = place / "new"
        unpack(source, folder)
        if not allow_builds:
            _refuse_builds(name for name in list_files(folder) if is_instruction(name))
        loaded = read_scenario(folder)
        errors = [each for each in lint(loaded) if each.severity is Severity.ERROR]
        if errors:
            raise ScenarioInvalid(errors)
        if not allow_builds:
            _refuse_builds(machine.build for machine in loaded.spec.machines.values())
        settle(folder, root / loaded.spec.id, place, replace=replace)
    refresh_schema(root)
    return loaded


def unpack(source: IO[bytes], folder: Path) -> None:
    """Unpack an archive into a folder that does not exist yet; its one top folder is left out.

    Raises:
        ArchiveRefused: It holds what no scenario needs; what was unpacked so far is left behind.
    """
    start = source.read(512)
    source.seek(0)
    if not is_zip(start) and not is_tar(start):
        raise ArchiveRefused("Expected a zip or a tar.gz, found something else.")
    names, total = Names(), 0
    packed = folder.with_name("packed")
    for count, entry in enumerate(zip_entries(source) if is_zip(start) else tar_entries(source)):
        if count >= FILE_LIMIT:
            raise ArchiveRefused(f"The archive holds more than {FILE_LIMIT} files.")
        names.add(entry.path)
        limit = min(FILE_LIMIT_BYTES, TOTAL_LIMIT_BYTES - total)
        total += _write(entry, packed, limit)
    if not packed.is_dir():
        raise ArchiveRefused("The archive holds no file.")
    _without_top(packed).rename(folder)


@contextmanager
def workshop(root: Path) -> Iterator[Path]:
    """Give a folder to work in beside the scenarios; one import at a time, nothing stays."""
    root.mkdir(parents=True, exist_ok=True)
    shop = root / WORKSHOP
    shop.mkdir(exist_ok=True, mode=0o700)
    with (shop / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in [path for path in shop.iterdir() if path.is_dir()]:
            _clear(left, root)
        place = Path(tempfile.mkdtemp(dir=shop))
        try:
            yield place
        finally:
            _clear(place, root)


def settle(folder: Path, target: Path, place: Path, *, replace: bool = False) -> None:
    """Put a finished folder where it belongs.

    Raises:
        FolderTaken: Something is there, and may not be replaced.
    """
    if os.path.lexists(target):
        if not replace:
            raise FolderTaken(target.name, "Give --replace to put this one in its place.")
        (place / REPLACED).mkdir()
        target.rename(place / REPLACED / target.name)
    folder.rename(target)


def _clear(place: Path, root: Path) -> None:
    """Remove a place of work; a scenario that was to be replaced and was not goes back."""
    for before in place.glob(f"{REPLACED}/*"):
        if not os.path.lexists(root / before.name):
            before.rename(root / before.name)
    shutil.rmtree(place, ignore_errors=True)


def _write(entry: Entry, folder: Path, limit_bytes: int) -> int:
    keep = not is_left_out(entry.path)
    path = folder.joinpath(*entry.path) if keep else Path(os.devnull)
    if keep:
        path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with path.open("xb" if keep else "wb") as target:
        for chunk in entry.chunks:
            written += len(chunk)
            if written > limit_bytes:
                raise ArchiveRefused(
                    f"The archive holds more than {TOTAL_LIMIT_BYTES} bytes, or a file of more "
                    f"than {FILE_LIMIT_BYTES}: {quoted('/'.join(entry.path))}."
                )
            target.write(chunk)
    if keep:
        path.chmod(0o755 if entry.executable else 0o644)
    return written


def _without_top(packed: Path) -> Path:
    found = list(packed.iterdir())
    if (packed / SCENARIO_FILE).exists() or len(found) != 1 or not found[0].is_dir():
        return packed
    return found[0]


def _refuse_builds(names: Iterable[str | None]) -> None:
    for name in names:
        if name is not None:
            raise BuildsRefused(name)
