"""The capacity page: sandboxes, queue, memory, disk, launches and roles, in words and units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from range.accounts.access import can_see_capacity
from range.accounts.models import User
from range.catalog.models import ScenarioVersion
from range.lib.errors import RangeError
from range.operations import launches, load, reasons, room, status
from range.operations.notices import Notice, notices
from range.operations.troubles import TroubleView, troubles_of
from range.sandboxes import probe_record
from range.sandboxes.models import Sandbox

LOOKED_BACK = timedelta(hours=24)
PLACES = {
    "images": "Images and machines, in the engine's folder",
    "recordings": "Recordings, weights and the embedded database",
}


class CapacityRefused(RangeError):
    """Figures of the machine are for those who run it."""

    def __init__(self) -> None:
        super().__init__(
            "Capacity is for administrators of the range.",
            reason="not-an-administrator",
            status=403,
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a bar, and its line in the table beside it.

    Args:
        kind: Which colour it has, and which mark in the table; empty for none.
        start: Where it begins, in percent of the bar's length, as SVG wants it.
        width: How long it is, likewise.
    """

    kind: str
    label: str
    amount: str
    note: str = ""
    start: str = "0"
    width: str = "0"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A picture of parts of a whole; everything it shows is in the table beside it.

    Args:
        title: What stands above it; empty where its place in a table says it.
        label: What it shows, for those who do not see it.
    """

    title: str
    label: str
    parts: Sequence[Part]


@dataclass(frozen=True, kw_only=True)
class MemoryView:
    """The machine's memory; without bars and lines where the kernel does not tell."""

    bars: Sequence[Bar] = ()
    lines: Sequence[Part] = ()


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How many more sandboxes of one scenario would be admitted now; None if unknown."""

    title: str
    slug: str
    needed: str
    holding: int
    more: int | None
    image_state: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """The disk where something lies.

    Args:
        folder: Empty when it lies elsewhere or cannot be told.
        used_share: In [0, 1]; None when unknown.
        shares: Whether it lies on the same disk as the place before it.
    """

    label: str
    folder: str
    free: str = ""
    used: str = ""
    used_share: float | None = None
    bar: Bar | None = None
    shares: bool = False


@dataclass(frozen=True, kw_only=True)
class FailureLine:
    """Failed sandboxes of one reason, with what it means and what to do."""

    failure: launches.Failure
    meaning: reasons.Meaning


@dataclass(frozen=True, kw_only=True)
class LaunchView:
    """How the launches of the last day went."""

    engine: launches.Spread
    waited: launches.Spread
    failures: Sequence[FailureLine]

    @property
    def failed(self) -> int:
        """How many sandboxes failed, before or after they had started."""
        return sum(line.failure.number for line in self.failures)

    @property
    def launched(self) -> int:
        """How many launches came to an end, good or bad; what was lost later is among them."""
        never = [line for line in self.failures if not line.failure.had_started]
        return self.waited.number + sum(line.failure.number for line in never)


@dataclass(frozen=True, kw_only=True)
class RoleLine:
    """One role as the supervisor sees it."""

    name: str
    state: str
    healthy: bool
    since: datetime | None
    restarts: int


@dataclass(frozen=True, kw_only=True)
class StateLine:
    """How many sandboxes are in one state, and what to know about some of them."""

    label: str
    number: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CapacityPage:
    """Everything on the page, at one moment."""

    at: datetime
    notices: Sequence[Notice]
    states: Sequence[StateLine]
    spares: int
    queue: Sequence[load.Waiting]
    queued: int
    memory: MemoryView
    fits: Sequence[Fit]
    places: Sequence[Place]
    launches: LaunchView
    troubles: TroubleView
    roles: Sequence[RoleLine]

    @property
    def live(self) -> int:
        """How many sandboxes hold or will hold machines."""
        return sum(line.number for line in self.states)

    @property
    def unseen(self) -> int:
        """How many wait beyond those that the queue shows."""
        return max(0, self.queued - len(self.queue))


def capacity_page(viewer: User) -> CapacityPage:
    """Return what the page shows now.

    Raises:
        CapacityRefused: The viewer is no administrator.
    """
    if not can_see_capacity(viewer):
        raise CapacityRefused
    now, present, waiting = timezone.now(), load.load(), load.queue()
    memory, disks = room.memory(promised_mb=present.promised_mb), room.disks()
    known = status.read(settings.RANGE_STATE_DIR)
    went = _launches(now - LOOKED_BACK)
    return CapacityPage(
        at=now,
        notices=notices(
            load=present,
            memory=memory,
            disks=disks,
            known=known,
            launched=went.launched,
            failed=went.failed,
            probes=probe_record.newest(settings.RANGE_STATE_DIR),
        ),
        states=[_state(key, number, present.paused) for key, number in present.by_state.items()],
        spares=present.spares,
        queue=waiting,
        queued=present.queued,
        memory=_memory(memory, present.reserved_mb),
        fits=[_fit(kind, memory) for kind in present.kinds if kind.on_offer],
        places=tuple(_places(disks)),
        launches=went,
        troubles=troubles_of(viewer, now - LOOKED_BACK),
        roles=_roles(known),
    )


def memory_text(megabytes: int) -> str:
    """Write an amount of memory with its unit; a GB of memory is 1024 MB."""
    return f"{megabytes} MB" if megabytes < 1024 else f"{megabytes / 1024:.1f} GB"


def disk_text(size_bytes: int) -> str:
    """Write an amount of disk with its unit, as makers of disks and the doctor count it."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes < 1e12 else f"{size_bytes / 1e12:.1f} TB"


def _state(key: str, number: int, paused: int) -> StateLine:
    note = f"{paused} of them paused" if paused and key == Sandbox.State.RUNNING else ""
    return StateLine(label=Sandbox.State(key).label, number=number, note=note)


def _launches(since: datetime) -> LaunchView:
    return LaunchView(
        engine=launches.launch_times(since),
        waited=launches.waiting_times(since),
        failures=[
            FailureLine(failure=failure, meaning=reasons.meaning(failure.reason))
            for failure in launches.failures(since)
        ],
    )


def _memory(memory: room.Memory, reserved_mb: int) -> MemoryView:
    if memory.total_mb is None or memory.available_mb is None or memory.room_mb is None:
        return MemoryView()
    total, free = memory.total_mb, memory.room_mb
    promised = min(memory.promised_mb, memory.available_mb)
    kept = memory.available_mb - promised - free
    amounts = (
        ("used", "In use now", total - memory.available_mb, "by sandboxes, roles and all else"),
        ("promised", "Promised", promised, "to launches under way, and not taken yet"),
        ("room", "Room for sandboxes", free, "free, and neither promised nor kept"),
        ("kept", "Kept for the host", kept, "free, but no launch may take it"),
    )
    note = "what their machines may take at most, spares included"
    limits = (("reserved", "Reserved by sandboxes", reserved_mb, note),)
    used = tuple(_parts(amounts, total))
    reserved = tuple(_parts(limits, max(total, reserved_mb)))
    whole = Part(kind="", label="All memory of this machine", amount=memory_text(total))
    return MemoryView(
        bars=(_bar("Now", used), _bar("What sandboxes may take at most", reserved)),
        lines=(*used, whole, *reserved),
    )


def _parts(amounts: Sequence[tuple[str, str, int, str]], total: int) -> Iterator[Part]:
    start = 0.0
    for kind, label, megabytes, note in amounts:
        width = 100 * megabytes / total
        yield Part(
            kind=kind,
            label=label,
            amount=memory_text(megabytes),
            note=note,
            start=f"{start:.2f}",
            width=f"{width:.2f}",
        )
        start += width


def _bar(title: str, parts: Sequence[Part]) -> Bar:
    shown = ", ".join(f"{part.label.lower()} {part.amount}" for part in parts)
    return Bar(title=title, label=f"{title}: {shown}" if title else shown, parts=parts)


def _fit(kind: load.Kind, memory: room.Memory) -> Fit:
    ready = kind.version.image_state == ScenarioVersion.ImageState.READY
    return Fit(
        title=kind.version.scenario.title,
        slug=kind.version.scenario.slug,
        needed=memory_text(kind.needed_mb),
        holding=kind.holding,
        more=memory.fits(kind.needed_mb) if ready else None,
        image_state=kind.version.image_state,
    )


def _places(disks: Sequence[room.Disk]) -> Iterator[Place]:
    seen: set[int] = set()
    for disk in disks:
        label, folder = PLACES[disk.place], str(disk.folder or "")
        if disk.device is None:
            yield Place(label=label, folder=folder)
            continue
        used, share = disk_text(disk.used_bytes), disk.used_share
        part = Part(kind="used", label="in use", amount=used, width=f"{100 * share:.2f}")
        yield Place(
            label=label,
            folder=folder,
            free=disk_text(disk.free_bytes),
            used=used,
            used_share=share,
            bar=_bar("", (part,)),
            shares=disk.device in seen,
        )
        seen.add(disk.device)


def _roles(known: status.Status) -> Sequence[RoleLine]:
    if not known.supervised:
        return ()
    return tuple(
        RoleLine(
            name=role.name,
            state=role.state,
            healthy=role.healthy,
            since=_moment(role.since),
            restarts=role.restarts,
        )
        for role in known.roles
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
