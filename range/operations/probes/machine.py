"""Looks at the machine: interpreter, disk, memory, and the roles that run."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from range.lib.memory import available_mb
from range.operations import status
from range.operations.finding import Finding, ok, problem, warning

MINIMUM_DISK_GB, COMFORTABLE_DISK_GB = 2.0, 10.0
# One sandbox of three machines beside the roles themselves, and a class of ten.
MINIMUM_MEMORY_MB, COMFORTABLE_MEMORY_MB = 1024, 4096


def look(state_dir: Path) -> Iterator[Finding]:
    """Look at everything here."""
    yield interpreter(sys.version_info[:2])
    yield disk(shutil.disk_usage(state_dir if state_dir.exists() else Path("/")).free)
    yield memory(available_mb())
    yield roles(status.read(state_dir))


def interpreter(version: tuple[int, int]) -> Finding:
    """Judge the interpreter."""
    says = f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    if version < (3, 12):
        return problem("Python", says, "Python 3.12 or newer is needed; run bin/up.")
    return ok("Python", f"{says}, {os.cpu_count()} cores")


def disk(free_bytes: int) -> Finding:
    """Judge the space left for images, recordings and weights."""
    gigabytes = free_bytes / 1e9
    says = f"{gigabytes:.1f} GB free"
    if gigabytes < MINIMUM_DISK_GB:
        return problem("Disk", says, "Free some space: 'docker system df' tells who takes it.")
    if gigabytes < COMFORTABLE_DISK_GB:
        return warning("Disk", says, f"{COMFORTABLE_DISK_GB:.0f} GB are comfortable.")
    return ok("Disk", says)


def memory(free_mb: int | None) -> Finding:
    """Judge the memory left for sandboxes."""
    if free_mb is None:
        return warning("Memory", "It cannot be told here.", "Launches are not held back by it.")
    says = f"{free_mb} MB free"
    if free_mb < MINIMUM_MEMORY_MB:
        return problem("Memory", says, "Stop what is not needed; launches are refused soon.")
    if free_mb < COMFORTABLE_MEMORY_MB:
        return warning("Memory", says, "Enough for few sandboxes; the local model needs 2 GB too.")
    return ok("Memory", says)


def roles(known: status.Status) -> Finding:
    """Judge what the supervisor tells."""
    if not known.supervised:
        return warning("Roles", "No supervisor runs.", "Start the range: bin/up.")
    ailing = [f"{role.name} ({role.state})" for role in known.roles if not role.healthy]
    if ailing:
        return problem("Roles", ", ".join(ailing), "See the logs in var/log.")
    restarts = sum(role.restarts for role in known.roles)
    return ok("Roles", f"{len(known.roles)} run, {restarts} restarts")
