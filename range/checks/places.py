"""Where a path of a machine really leads: links followed one by one, outside the machine."""

from pathlib import PurePosixPath

from range.checks.base import Probe, ProbeUnavailable

# What the engine shows no file of: the kernel's own file systems and those in memory.
UNSEEN = ("/dev", "/proc", "/run/console", "/sys")
LINKS_LIMIT = 40
# Why it cannot be told what lies there.
NOT_SEEN = "place-not-seen"


class Misleading(Exception):
    """A link leads where nobody outside the machine can look, or in a circle."""


def real_path(probe: Probe, machine: str, path: str) -> str | None:
    """Return where a path leads once every link is followed; None if nothing is there.

    Raises:
        Misleading: It cannot be told, because of a link somebody made.
        ProbeUnavailable: It cannot be told at all.
    """
    left = list(reversed(PurePosixPath(path).parts[1:]))
    at, links = PurePosixPath("/"), 0
    while left:
        part = left.pop()
        if part == "..":
            at = at.parent
            continue
        at = at / part
        if is_unseen(str(at)):
            if links:
                raise Misleading
            raise ProbeUnavailable(NOT_SEEN)
        stat = probe.stat(machine, str(at))
        if stat is None:
            return None
        if not stat.is_link:
            continue
        links += 1
        if links > LINKS_LIMIT:
            raise Misleading
        target = PurePosixPath(stat.link_target)
        at = PurePosixPath("/") if target.is_absolute() else at.parent
        left += reversed([each for each in target.parts if each != "/"])
    return str(at)


def is_unseen(path: str) -> bool:
    """Tell whether a path lies where the engine shows no file."""
    return any(path == each or path.startswith(each + "/") for each in UNSEEN)
