"""What the engine's host knows of a container's processes, when we share that host as root."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from range.runtime.driver import Process

_PROC = Path("/proc")


def belongs(pid: int, container_id: str) -> bool:
    """Tell whether a number in our process table is a process of that container.

    The engine may run elsewhere, and numbers are used again: both end here.
    """
    if pid <= 1 or len(container_id) < 12:
        return False
    try:
        return container_id in (_PROC / str(pid) / "cgroup").read_text("utf-8")
    except OSError:
        return False


def may_enter(pid: int) -> bool:
    """Tell whether we may use the namespaces of a process."""
    try:
        os.close(os.open(_PROC / str(pid) / "ns" / "net", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return os.geteuid() == 0


def can_signal() -> bool:
    """Tell whether we may signal processes of containers at all."""
    return os.geteuid() == 0


def kill(pid: int, container_id: str, *, group: bool = False, hang_up: bool = False) -> bool:
    """Signal a process of a container; return whether there was one.

    Args:
        group: Signal its whole process group.
        hang_up: Send SIGHUP instead of SIGKILL.
    """
    if not belongs(pid, container_id):
        return False
    number = signal.SIGHUP if hang_up else signal.SIGKILL
    with suppress(OSError):
        os.killpg(pid, number) if group else os.kill(pid, number)
        return True
    return False


def end_forgotten(container_id: str) -> None:
    """End what watches over a container that its engine no longer knows.

    An engine that is killed while it starts a container takes it for never started once it is
    back, and then removes it without the processes. Once their watcher has ended, containerd
    ends them and removes the rest.
    """
    if not can_signal():
        return
    for entry in _PROC.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"containerd-shim" in words[0] and container_id.encode() in words:
                os.kill(int(entry.parent.name), signal.SIGKILL)


def describe(pid: int) -> Process | None:
    """Return a process exactly as the kernel tells it, None if we cannot see it."""
    folder = _PROC / str(pid)
    try:
        uid = folder.stat().st_uid
        argv = (folder / "cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return None
    executable = ""
    with suppress(OSError):
        executable = str((folder / "exe").readlink())
    words = tuple(word.decode("utf-8", "backslashreplace") for word in argv)
    return Process(pid=pid, uid=_effective_uid(folder, uid), argv=words, executable=executable)


def _effective_uid(folder: Path, owner: int) -> int:
    # /proc/<pid> belongs to root while a process cannot be dumped, such as one that is setuid.
    with suppress(OSError, ValueError, StopIteration):
        lines = (folder / "status").read_text("utf-8", "replace").splitlines()
        return int(next(line for line in lines if line.startswith("Uid:")).split()[2])
    return owner
