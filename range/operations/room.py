"""How much memory and disk this machine has left for sandboxes, told without the engine."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from range.lib.memory import available_mb, total_mb

# Where Docker Engine keeps images unless its settings name another folder.
# Source: docs.docker.com/engine/daemon, "Daemon data directory".
ENGINE_SETTINGS, ENGINE_FOLDER = Path("/etc/docker/daemon.json"), Path("/var/lib/docker")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The machine's memory, in MiB; None where the kernel does not tell.

    Args:
        available_mb: What new programs can take without swapping.
        kept_mb: What is kept for the host, whatever trainees ask for.
        promised_mb: What launches under way will take, which admission counts as taken.
    """

    total_mb: int | None
    available_mb: int | None
    kept_mb: int
    promised_mb: int = 0

    @property
    def room_mb(self) -> int | None:
        """What sandboxes may still take; never below zero."""
        if self.available_mb is None:
            return None
        return max(0, self.available_mb - self.kept_mb - self.promised_mb)

    def fits(self, needed_mb: int) -> int | None:
        """Tell how many more sandboxes of a size would be admitted now; None if unknown."""
        return None if self.room_mb is None or needed_mb <= 0 else self.room_mb // needed_mb


@dataclass(frozen=True, kw_only=True)
class Disk:
    """The room where something lies.

    Args:
        place: What lies there: `images` or `recordings`.
        folder: Where; None when it lies elsewhere or cannot be told.
        free_bytes: What the range may still take; what the system keeps for itself is left out.
        device: Number of its file system; two places of one device share their room.
    """

    place: str
    folder: Path | None
    used_bytes: int = 0
    free_bytes: int = 0
    device: int | None = None

    @property
    def known(self) -> bool:
        """Whether anything can be told of it."""
        return self.device is not None

    @property
    def used_share(self) -> float:
        """The share in use of what may be used, in [0, 1], as `df` tells it."""
        usable = self.used_bytes + self.free_bytes
        return self.used_bytes / usable if usable else 0.0


def memory(*, promised_mb: int = 0) -> Memory:
    """Look at the machine's memory."""
    return Memory(
        total_mb=total_mb(),
        available_mb=available_mb(),
        kept_mb=settings.RANGE_MEMORY_RESERVE_MB,
        promised_mb=promised_mb,
    )


def disks() -> Sequence[Disk]:
    """Look at the disks that fill up: the engine's, and the one with recordings and rows."""
    state = Path(settings.RANGE_STATE_DIR)
    return (_disk("images", engine_folder()), _disk("recordings", _existing(state / "recordings")))


def engine_folder(
    settings_file: Path = ENGINE_SETTINGS, usual: Path = ENGINE_FOLDER
) -> Path | None:
    """Return where this machine's engine keeps images; None when it is elsewhere or unknown."""
    if not os.environ.get("DOCKER_HOST", "unix:").startswith(("unix:", "/")):
        return None
    try:
        named = json.loads(settings_file.read_text(encoding="utf-8")).get("data-root")
    except FileNotFoundError:
        named = None
    except (OSError, ValueError, AttributeError):
        return None
    return Path(named) if isinstance(named, str) else usual


def _disk(place: str, folder: Path | None) -> Disk:
    if folder is None:
        return Disk(place=place, folder=None)
    try:
        usage, device = shutil.disk_usage(folder), folder.stat().st_dev
    except OSError:
        return Disk(place=place, folder=folder)
    return Disk(
        place=place,
        folder=folder,
        used_bytes=usage.used,
        free_bytes=usage.free,
        device=device,
    )


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there already."""
    return next(each for each in (folder, *folder.parents) if each.exists())
