"""Compares what the engine tells of a file with what a check demands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Literal

from range.checks.base import FileStat
from range.lib import clock

# How far a machine's files may lie in the future before they count as forged.
FUTURE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a file's metadata must be; None demands nothing. Modes are octal text."""

    type: Literal["file", "directory", "link"] = "file"
    owner: int | None = None
    group: int | None = None
    mode: str | None = None
    mode_max: str | None = None
    mode_clear: str | None = None
    mode_set: str | None = None
    no_capabilities: bool = False
    min_bytes: int | None = None
    max_bytes: int | None = None
    modified_within_seconds: int | None = None


def first_wrong_metadata(stat: FileStat, demand: Demand) -> str:
    """Return the reason slug of the first demand that does not hold, or an empty string."""
    return (
        _wrong_type(stat, demand.type)
        or _wrong_owner(stat, demand)
        or _wrong_mode(stat, demand)
        or _wrong_size(stat, demand)
        or _wrong_age(stat, demand)
    )


def matching_below(
    listing: Sequence[FileStat],
    pattern: str,
    apart_from: Sequence[str],
    *,
    wanted: Literal["file", "directory", "link"],
) -> list[FileStat]:
    """Return the entries of a kind whose names match, without those left alone."""
    return [
        stat
        for stat in listing
        if (_type_of(stat) == wanted or (stat.is_special and wanted == "file"))
        and stat.path not in apart_from
        and fnmatchcase(PurePosixPath(stat.path).name, pattern)
    ]


def parents_of(path: str) -> Iterator[str]:
    """Yield the folders above a path, nearest first, the root among them."""
    for parent in PurePosixPath(path).parents:
        yield str(parent)


def _type_of(stat: FileStat) -> str:
    if stat.is_link:
        return "link"
    if stat.is_special:
        return "special"
    return "directory" if stat.is_directory else "file"


def _wrong_type(stat: FileStat, wanted: str) -> str:
    actual = _type_of(stat)
    return "" if actual == wanted else f"file-is-{actual}"


def _wrong_owner(stat: FileStat, demand: Demand) -> str:
    if demand.owner is not None and stat.uid != demand.owner:
        return "owner-differs"
    if demand.group is not None and stat.gid != demand.group:
        return "group-differs"
    return "capability-set" if demand.no_capabilities and stat.capabilities else ""


def _wrong_mode(stat: FileStat, demand: Demand) -> str:
    mode = stat.mode & 0o7777
    if demand.mode is not None and mode != _bits(demand.mode):
        return "mode-differs"
    if demand.mode_max is not None and mode & ~_bits(demand.mode_max):
        return "mode-too-open"
    if demand.mode_clear is not None and mode & _bits(demand.mode_clear):
        return "mode-too-open"
    if demand.mode_set is not None and (mode & _bits(demand.mode_set)) != _bits(demand.mode_set):
        return "mode-too-strict"
    return ""


def _wrong_size(stat: FileStat, demand: Demand) -> str:
    if demand.min_bytes is not None and stat.size_bytes < demand.min_bytes:
        return "file-too-small"
    if demand.max_bytes is not None and stat.size_bytes > demand.max_bytes:
        return "file-too-large"
    return ""


def _wrong_age(stat: FileStat, demand: Demand) -> str:
    if demand.modified_within_seconds is None:
        return ""
    age = clock.now().timestamp() - stat.modified_at
    if age > demand.modified_within_seconds:
        return "file-too-old"
    return "file-from-future" if age < -FUTURE_SECONDS else ""


def _bits(mode: str) -> int:
    return int(mode, 8)
