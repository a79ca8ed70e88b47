"""What containers take of their host's disk, seen from the host: also what no folder shows."""

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from range.runtime.driver import DiskLeft

_PROC = Path("/proc")
_CONTAINER = re.compile(r"[0-9a-f]{64}")
# What a file takes that holds nothing: its place in the file system's table.
LEAST_BYTES = 4096
# Beyond what any scenario may give a machine nobody counts on. Source: ResourceSpec.disk_mb.
MOST_BYTES = 9 << 30
# Source: stat(2), st_blocks.
_BLOCK_BYTES = 512


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a container's data lies on the host.

    Args:
        layer: Folder that what it writes goes to.
        mounted: Folder where the engine put its root together.
        beside: Files and folders that it writes to outside its layer.
    """

    layer: str
    mounted: str
    beside: tuple[str, ...] = ()


def taken(places: Mapping[str, Place]) -> dict[str, int]:
    """Return the bytes that containers take, by id; those we cannot look into are left out.

    Files that were deleted while something holds them open count: they fill a disk all the same.
    """
    if os.geteuid() != 0:
        return {}
    found = {
        container: _written(place)
        for container, place in places.items()
        if Path(place.layer).is_dir()
    }
    devices = {name: device for name in found if (device := _device(places[name].mounted))}
    for container, held_bytes in _held(devices).items():
        found[container] += held_bytes
    return found


def left(folder: str) -> DiskLeft | None:
    """Return what the file system of a folder still has; None where there is no such folder."""
    try:
        told = os.statvfs(folder)
    except OSError:
        return None
    return DiskLeft(free_bytes=told.f_bavail * told.f_frsize, files=told.f_favail)


def _written(place: Place) -> int:
    """Add up a container's folders; names in them are the trainee's, and go no further.

    A program of the host's walks them: unlike paths it knows no depth that is too deep.
    """
    total, seen = 0, set()
    argv = ["find", place.layer, *place.beside, "-xdev", "-printf", "%n %D:%i %b\\n"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as walk:
        for line in walk.stdout or ():
            names, file, blocks = line.split()
            if names != b"1":
                if file in seen:
                    continue
                seen.add(file)
            total += max(int(blocks) * _BLOCK_BYTES, LEAST_BYTES)
            if total > MOST_BYTES:
                walk.kill()
                break
    return total


def _held(devices: Mapping[str, int]) -> dict[str, int]:
    """Add up what processes hold that has no name any more.

    Args:
        devices: Containers to look at, and the device of their files.
    """
    files: dict[str, dict[int, int]] = defaultdict(dict)
    for pid, container in _processes(devices):
        for number, size in _nameless(pid, devices[container]):
            files[container][number] = size
    return {container: sum(sizes.values()) for container, sizes in files.items()}


def _processes(containers: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for process in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            told = _CONTAINER.findall((process / "cgroup").read_text("ascii", "replace"))
            for container in containers.keys() & told:
                yield process.name, container


def _nameless(pid: str, device: int) -> Iterator[tuple[int, int]]:
    """Yield number and bytes of deleted files that a process has open or mapped."""
    for path in _references(_PROC / pid):
        with suppress(OSError):
            told = path.stat()
            if told.st_nlink == 0 and told.st_dev == device:
                yield told.st_ino, max(told.st_blocks * _BLOCK_BYTES, LEAST_BYTES)


def _references(process: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (process / "fd").iterdir()
    with suppress(OSError):
        seen = set()
        for line in (process / "maps").read_bytes().splitlines():
            at, _, _, device, number, *name = line.split(maxsplit=5)
            if name and name[0].endswith(b"(deleted)") and (device, number) not in seen:
                seen.add((device, number))
                yield process / "map_files" / at.decode()


def _device(folder: str) -> int:
    """Return the number of the device that a folder lies on, 0 where there is none."""
    try:
        return Path(folder).stat().st_dev
    except OSError:
        return 0
