"""Files and programs that sudo's rules name, by where their paths really lead."""

import posixpath
import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from range.checks.base import FileStat, Probe, ProbeUnavailable
from range.checks.places import NOT_SEEN, Misleading, real_path

FILE_LIMIT_BYTES = 256 * 1024
FILES_LIMIT = 2000
# Each path costs some looks; whoever writes more than this hides among them.
PATHS_LIMIT = 300
_MERGED = re.compile(r"^/(s?bin|lib(32|64|x32)?)/")
_WILD = re.compile(r"[*?]")


class Places:
    """Looks at what lies where a machine's rules say.

    Everything raises `Misleading` where it cannot be told, because of what somebody wrote.
    """

    def __init__(self, probe: Probe, machine: str) -> None:
        self._probe = probe
        self._machine = machine
        self._known: dict[str, str | None] = {}

    def text(self, path: str) -> str | None:
        """Return a file's text, a link followed; None if there is none."""
        looked = self._looked(path)
        return looked[1] if looked else None

    def rules(self, path: str) -> str | None:
        """Return the text of a file of rules, which sudo must be willing to read."""
        looked = self._looked(path)
        if looked is None:
            return None
        stat = looked[0]
        # sudo passes over what others than root may write.
        if stat.uid != 0 or stat.mode & 0o002 or (stat.mode & 0o020 and stat.gid != 0):
            raise Misleading(path)
        return looked[1]

    def names(self, path: str) -> list[str]:
        """Return the names of the files in a folder, a link followed."""
        place = self._real(path)
        if place is None:
            return []
        listing = self._probe.list_files(self._machine, place, limit=FILES_LIMIT)
        if len(listing) >= FILES_LIMIT:
            raise Misleading(place)
        return [
            PurePosixPath(stat.path).name
            for stat in listing
            if not stat.is_directory and PurePosixPath(stat.path).parent == PurePosixPath(place)
        ]

    def plain(self, path: str) -> tuple[str, ...]:
        """Return a rule's path with its folder followed to where it lies, in each way to say so."""
        if not path.startswith("/"):
            return (path,)
        folder, _, name = path.rpartition("/")
        if _WILD.search(folder):
            raise Misleading(path)
        at = f"{self._folder(folder or '/').rstrip('/')}/{name}"
        # What was moved below /usr is known by its old name, too.
        old = at.removeprefix("/usr")
        return (at, old) if _MERGED.match(old) else (at,)

    def same(self, path: str, program: str) -> bool:
        """Tell whether a rule's path, with wildcards, stands for a program by its own name."""
        if "ALL" in (path, program):
            return path == "ALL"
        wanted, given = self.plain(program)[0], self.plain(path)[0]
        if given.endswith("/"):
            return wanted.rpartition("/")[0] == given.rstrip("/")
        # In paths a wildcard does not reach over a slash.
        return given.count("/") == wanted.count("/") and fnmatchcase(wanted, given)

    def leads_to(self, path: str, program: str) -> bool:
        """Tell whether a rule's path is another name of a program."""
        if not (path.startswith("/") and program.startswith("/")) or _WILD.search(path):
            return False
        given = self._real(path)
        return given is not None and given == self._real(program)

    def _folder(self, folder: str) -> str:
        # What is not there yet may come: then only the words can tell.
        lexical = _MERGED.sub(r"/usr/\1/", posixpath.normpath(folder) + "/").rstrip("/")
        return self._real(folder) or lexical

    def _looked(self, path: str) -> tuple[FileStat, str] | None:
        # sudo follows links, so they are followed here.
        place = self._real(path)
        if place is None:
            return None
        looked = self._probe.look(self._machine, place, limit_bytes=FILE_LIMIT_BYTES)
        if looked is None or looked[0].is_directory:
            return None
        if looked[1] is None:
            # There are rules that sudo would read, and we cannot.
            raise Misleading(place)
        return looked[0], looked[1].decode("utf-8", errors="replace")

    def _real(self, path: str) -> str | None:
        if path not in self._known:
            if len(self._known) >= PATHS_LIMIT:
                raise Misleading(path)
            self._known[path] = self._followed(path)
        return self._known[path]

    def _followed(self, path: str) -> str | None:
        try:
            return real_path(self._probe, self._machine, path)
        except Misleading as error:
            raise Misleading(path) from error
        except ProbeUnavailable as error:
            if str(error) != NOT_SEEN:
                raise
            # Somebody wrote a rule about a place of which the engine shows nothing.
            raise Misleading(path) from error
