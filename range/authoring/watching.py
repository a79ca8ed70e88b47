"""Notices that a folder's files changed, once whoever changes them has finished."""

import time
from pathlib import Path

from range.catalog.folder import IGNORED

# An editor writes, renames and sets times in turn; this much quiet means that it is done.
QUIET_SECONDS = 0.2
type Stamp = dict[str, tuple[int, int, int]]


def stamp(folder: Path) -> Stamp:
    """Return what tells one state of a folder from another, without reading files."""
    found: Stamp = {}
    for parent, folders, names in folder.walk():
        folders[:] = [name for name in folders if name not in IGNORED]
        for name in names:
            if name in IGNORED or name.endswith(("~", ".swp", ".pyc")):
                continue
            path = parent / name
            try:
                seen = path.lstat()
            except FileNotFoundError:
                continue
            found[path.relative_to(folder).as_posix()] = (
                seen.st_mtime_ns,
                seen.st_size,
                seen.st_mode,
            )
    return found


class Watch:
    """Looks at a folder whenever it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = stamp(folder)

    def changed(self) -> list[str]:
        """Return the files that changed since it was last asked, once they rest."""
        present = stamp(self._folder)
        if present == self._known:
            return []
        while True:
            time.sleep(QUIET_SECONDS)
            later = stamp(self._folder)
            if later == present:
                break
            present = later
        before, self._known = self._known, present
        return sorted(
            path for path in before.keys() | present.keys() if before.get(path) != present.get(path)
        )
