"""Holds a container still for a moment, by the kernel's own freezer, and lets it go whatever comes.

The engine is not asked: its own pause shows as a state, and outlives whoever asked for it.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from range.runtime import host_processes

_PROC = Path("/proc")
# Where a host mounts its control groups. Source: systemd, "File Hierarchy for Control Groups".
_GROUPS = Path("/sys/fs/cgroup")
# The kernel stops each process at its next step; more than a moment means that one hangs in it.
_STILL_WITHIN_SECONDS = 1.0
# Lets go when we do, when we end, and at the latest after this many seconds.
_LONGEST_SECONDS = 10
_KEEPER = 'echo "$2" > "$1" && echo && timeout "$4" cat > /dev/null; echo "$3" > "$1"'


@dataclass(frozen=True, kw_only=True)
class _Freezer:
    """A file that freezes a control group. Source: the kernel's documentation of both versions."""

    file: Path
    freeze: str
    thaw: str
    told_in: Path
    told: str

    def is_frozen(self) -> bool:
        """Tell whether everything in the group stands still."""
        return self.told in self.told_in.read_text("ascii").splitlines()

    def is_free(self) -> bool:
        """Tell whether nobody has frozen it."""
        return self.file.read_text("ascii").strip() == self.thaw


@contextmanager
def held_still(pid: int, container_id: str) -> Iterator[None]:
    """Freeze a container's processes while the caller looks at it.

    Where we do not share the engine's host as root, or where the container is frozen already,
    nothing happens.

    Args:
        pid: Of the container's first process.
    """
    freezer = _free_freezer_of(pid, container_id)
    if freezer is None:
        yield
        return
    words = [str(freezer.file), freezer.freeze, freezer.thaw, str(_LONGEST_SECONDS)]
    # A session of its own: what ends our group must not end what lets the container go.
    with subprocess.Popen(
        ["/bin/sh", "-c", _KEEPER, "keeper", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as keeper:
        try:
            if keeper.stdout is not None and keeper.stdout.readline():
                _wait_for(freezer)
            yield
        finally:
            if keeper.stdin is not None:
                keeper.stdin.close()
            keeper.wait()


def wait_until_free(pid: int, container_id: str) -> None:
    """Return once nobody holds a container still, or cannot be doing so any more."""
    freezer = _freezer_of(pid, container_id)
    end = time.monotonic() + _LONGEST_SECONDS
    with suppress(OSError):
        while freezer is not None and not freezer.is_free() and time.monotonic() < end:
            time.sleep(0.02)


def _wait_for(freezer: _Freezer) -> None:
    end = time.monotonic() + _STILL_WITHIN_SECONDS
    with suppress(OSError):
        while not freezer.is_frozen() and time.monotonic() < end:
            time.sleep(0.002)


def _free_freezer_of(pid: int, container_id: str) -> _Freezer | None:
    freezer = _freezer_of(pid, container_id)
    with suppress(OSError):
        if freezer is not None and freezer.is_free():
            return freezer
    return None


def _freezer_of(pid: int, container_id: str) -> _Freezer | None:
    if not (host_processes.belongs(pid, container_id) and host_processes.may_enter(pid)):
        return None
    with suppress(OSError):
        lines = (_PROC / str(pid) / "cgroup").read_text("utf-8").splitlines()
        places = {parts[1]: parts[2] for line in lines if len(parts := line.split(":", 2)) == 3}
        for freezer in (_second(places), _first(places)):
            if freezer is not None and freezer.file.exists():
                return freezer
    return None


def _second(places: dict[str, str]) -> _Freezer | None:
    """Return the freezer of control groups of the second version."""
    if "" not in places:
        return None
    group = _GROUPS / places[""].strip("/")
    return _Freezer(
        file=group / "cgroup.freeze",
        freeze="1",
        thaw="0",
        told_in=group / "cgroup.events",
        told="frozen 1",
    )


def _first(places: dict[str, str]) -> _Freezer | None:
    """Return the freezer of control groups of the first version."""
    if "freezer" not in places:
        return None
    file = _GROUPS / "freezer" / places["freezer"].strip("/") / "freezer.state"
    return _Freezer(file=file, freeze="FROZEN", thaw="THAWED", told_in=file, told="FROZEN")
