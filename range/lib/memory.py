"""How much memory this machine has, and how much it can still give."""

from pathlib import Path

MEMINFO = Path("/proc/meminfo")


def available_mb(meminfo: Path = MEMINFO) -> int | None:
    """Return the memory that new programs can take without swapping, in MiB; None if unknown."""
    return _mebibytes("MemAvailable", meminfo)


def total_mb(meminfo: Path = MEMINFO) -> int | None:
    """Return all memory that the kernel manages, in MiB; None if unknown."""
    return _mebibytes("MemTotal", meminfo)


def _mebibytes(wanted: str, meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == wanted:
            return int(value.split()[0]) // 1024
    return None
