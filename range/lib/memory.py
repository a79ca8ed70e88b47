"""How much memory this machine can still give."""

from pathlib import Path


def available_mb(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Return the memory that new programs can take without swapping, in MiB; None if unknown."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) // 1024
    return None
