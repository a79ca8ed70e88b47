"""What lies at a path: existence, owner, permission bits, content, age; judged outside."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from range.checks.base import FileStat, Judgement, Probe
from range.checks.file_access import ENTER, READ, WRITE, first_missing_access
from range.checks.file_content import first_wrong_content, same_json, sha256_matches
from range.checks.file_metadata import Demand, first_wrong_metadata, matching_below, parents_of
from range.checks.judgements import met, unmet
from range.checks.patterns import Regex
from range.checks.places import Misleading, real_path
from range.checks.spec import (
    TEMPLATED,
    AbsolutePath,
    CheckSpec,
    Line,
    MachineName,
    Mode,
    Owner,
    owner_id,
)

CONTENT_LIMIT_BYTES = 1 << 20
LISTING_LIMIT = 20_000

Sha256 = Annotated[str, StringConstraints(pattern=rf"^([0-9a-f]{{64}}|{TEMPLATED})$")]


class FileCheck(CheckSpec):
    """Met when what lies at a path is as described; every given line must hold.

    Trap: replaced tools, links that lead elsewhere, huge files. Everything is read through the
    engine's archive interface and parsed outside, owner, bits and content in one look; a link, a
    pipe or an oversized file never counts, and what is gone is gone behind every link too.
    """

    kind: Literal["file"]
    machine: MachineName
    """Where to look."""
    path: AbsolutePath
    """What to look at; with `below`, the folder to search."""
    exists: bool | None = None
    """Whether it must be there; with `below`, whether any file must match. Default: true
    for a path, no demand with `below`."""
    below: Line = ""
    """Judge every file below the folder whose name matches this pattern, such as `*.sh`."""
    apart_from: tuple[AbsolutePath, ...] = ()
    """Files below the folder that are left alone."""
    type: Literal["file", "directory", "link"] = "file"
    """What it must be."""
    owner: Owner | None = None
    """Numeric owner, or root."""
    group: Owner | None = None
    """Numeric group, or root."""
    mode: Mode | None = None
    """Exact permission bits, setuid, setgid and sticky included, in quotes."""
    mode_max: Mode | None = None
    """Bits that may be set; no other may."""
    mode_clear: Mode | None = None
    """Bits none of which may be set, such as "6000" for setuid and setgid."""
    mode_set: Mode | None = None
    """Bits all of which must be set, such as "0100"."""
    parents_safe: bool = False
    """Every folder above must belong to root and be writable by its owner only."""
    readable_by: Line = ""
    """Account that must be able to read it, by owner, groups and bits, folders above included."""
    writable_by: Line = ""
    """Account that must be able to write to it, or to put files into a folder."""
    executable_by: Line = ""
    """Account that must be able to start it, or to pass a folder."""
    no_capabilities: bool = False
    """The file must carry no capability."""
    contains: tuple[Regex, ...] = ()
    """Patterns each of which must occur; `^` and `$` match at every line."""
    not_contains: tuple[Regex, ...] = ()
    """Patterns none of which may occur."""
    ignore_lines: Regex | None = None
    """Lines that match are left out before content is compared, such as comments."""
    sha256: Sha256 | None = None
    """Digest of the content."""
    json_path: Annotated[dict[Line, Any], Field(alias="json")] = Field(default_factory=dict)
    """Values wanted at places of a JSON file, such as `$.users[0].name`."""
    min_bytes: Annotated[int, Field(ge=0)] | None = None
    """Smallest size."""
    max_bytes: Annotated[int, Field(ge=0)] | None = None
    """Largest size."""
    modified_within_seconds: Annotated[int, Field(ge=1)] | None = None
    """How long ago it was last written at most."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        if self.below:
            return self._judge_folder(probe)
        stat = probe.stat(self.machine, self.path)
        if self.exists is False:
            return unmet("file-there", excerpt=self.path) if stat else self._judge_absence(probe)
        if stat is None:
            return unmet("file-missing", excerpt=self.path)
        reason = self._wrong(probe, stat)
        return unmet(reason, excerpt=_shown(stat)) if reason else met(excerpt=_shown(stat))

    def _judge_folder(self, probe: Probe) -> Judgement:
        listing = probe.list_files(self.machine, self.path, limit=LISTING_LIMIT)
        if len(listing) >= LISTING_LIMIT:
            return unmet("too-many-files", excerpt=self.path)
        if not listing:
            folder = probe.stat(self.machine, self.path)
            if folder is None:
                return self._judge_absence(probe)
            if not folder.is_directory:
                return unmet("folder-is-no-folder", excerpt=_shown(folder))
        files = matching_below(listing, self.below, self.apart_from, wanted=self.type)
        if self.type == "file" and (self.exists is False or self._reads_content()):
            # A link counts as what it leads to: what follows it reads that.
            links = matching_below(listing, self.below, self.apart_from, wanted="link")
            try:
                files += self._behind(probe, links)
            except Misleading:
                return unmet("link-misleads", excerpt="\n".join(map(_shown, links[:20])))
        if self.exists is True and not files:
            return unmet("file-missing", excerpt=f"{self.path}/{self.below}")
        if self.exists is False:
            shown = "\n".join(_shown(stat) for stat in files[:20])
            return unmet("file-there", excerpt=shown) if files else met("file-gone")
        for stat in files:
            if stat.is_special and not self._reads_content():
                # A pipe that somebody left counts by its owner and bits, as any file.
                stat = replace(stat, is_special=False)
            if reason := self._wrong(probe, stat):
                return unmet(reason, excerpt=_shown(stat))
        return met()

    def _judge_absence(self, probe: Probe) -> Judgement:
        """Judge that nothing lies at the path, whatever links lead there."""
        try:
            place = real_path(probe, self.machine, self.path)
        except Misleading:
            return unmet("link-misleads", excerpt=self.path)
        if place is not None:
            # It came in this moment, or is where a look by its other name does not reach.
            return unmet("file-there", excerpt=place)
        if self.below and self.exists is True:
            return unmet("file-missing", excerpt=f"{self.path}/{self.below}")
        return met("file-gone")

    def _behind(self, probe: Probe, links: list[FileStat]) -> list[FileStat]:
        found = []
        for link in links:
            place = real_path(probe, self.machine, link.path)
            stat = None if place is None else probe.stat(self.machine, place)
            if stat is not None and not stat.is_directory:
                found.append(stat)
        return found

    def _wrong(self, probe: Probe, stat: FileStat) -> str:
        data: bytes | None = None
        if self._reads_content() and self.type == "file":
            # Owner, bits and content of one moment: two files in turn would have the best of both.
            looked = probe.look(self.machine, stat.path, limit_bytes=CONTENT_LIMIT_BYTES)
            if looked is None:
                return "file-missing"
            stat, data = looked
        reason = first_wrong_metadata(stat, self._demand())
        if not reason:
            reason = first_missing_access(probe, self.machine, stat, self._rights())
        if not reason and self.parents_safe:
            reason = self._unsafe_parent(probe, stat.path)
        if not reason and self._reads_content():
            reason = self._wrong_content(stat, data)
        return reason

    def _demand(self) -> Demand:
        return Demand(
            type=self.type,
            owner=None if self.owner is None else owner_id(self.owner),
            group=None if self.group is None else owner_id(self.group),
            mode=self.mode,
            mode_max=self.mode_max,
            mode_clear=self.mode_clear,
            mode_set=self.mode_set,
            no_capabilities=self.no_capabilities,
            min_bytes=self.min_bytes,
            max_bytes=self.max_bytes,
            modified_within_seconds=self.modified_within_seconds,
        )

    def _rights(self) -> list[tuple[str, int]]:
        asked = ((self.readable_by, READ), (self.writable_by, WRITE), (self.executable_by, ENTER))
        return [(account, right) for account, right in asked if account]

    def _unsafe_parent(self, probe: Probe, path: str) -> str:
        safe = Demand(type="directory", owner=0, mode_clear="0022")
        for parent in parents_of(path):
            stat = probe.stat(self.machine, parent)
            if stat is None or first_wrong_metadata(stat, safe):
                return "parent-not-safe"
        return ""

    def _reads_content(self) -> bool:
        return bool(self.contains or self.not_contains or self.sha256 or self.json_path)

    def _wrong_content(self, stat: FileStat, data: bytes | None) -> str:
        if stat.is_link or stat.is_directory:
            return "file-is-link" if stat.is_link else "file-is-directory"
        if stat.size_bytes > CONTENT_LIMIT_BYTES:
            return "file-too-large"
        if data is None:
            return "file-missing"
        if self.sha256 is not None and not sha256_matches(data, self.sha256):
            return "content-differs"
        if self.json_path and not same_json(data, self.json_path):
            return "json-differs"
        return first_wrong_content(
            data, self.contains, self.not_contains, ignore_lines=self.ignore_lines
        )


def _shown(stat: FileStat) -> str:
    return f"{stat.path} {stat.mode:04o} {stat.uid}:{stat.gid} {stat.size_bytes} bytes"
