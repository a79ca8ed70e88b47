"""What an operator should look at now, the most urgent first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from range.operations.load import Load
from range.operations.probes.machine import MINIMUM_DISK_GB
from range.operations.room import Disk, Memory
from range.operations.status import Status
from range.sandboxes.probe_record import ProbeRecord

# Starting takes seconds: whoever waits longer waits for something that does not come by itself.
LONG_WAIT = timedelta(minutes=1)
# A day with more failures than this is no accident.
MANY_FAILURES = 0.1


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing to look at.

    Args:
        kind: danger, warn or met; `met` says that there is nothing.
        advice: What to do, in one sentence.
    """

    kind: str
    title: str
    advice: str


def notices(
    *,
    load: Load,
    memory: Memory,
    disks: Sequence[Disk],
    known: Status,
    launched: int,
    failed: int,
    probes: ProbeRecord | None,
) -> Sequence[Notice]:
    """Return what needs a person; one calm notice where nothing does."""
    found = (
        *_probes(probes),
        *_roles(known),
        *_room(load, memory),
        *_disk(disks),
        *_queue(load),
        *_failures(launched, failed),
        *_promises(load, memory),
    )
    calm = Notice(
        kind="met",
        title="Nothing needs you now",
        advice="No figure below is out of the ordinary.",
    )
    return sorted(found, key=lambda notice: notice.kind != "danger") or (calm,)


def _probes(record: ProbeRecord | None) -> Iterator[Notice]:
    if record is not None and record.breaches:
        yield Notice(
            kind="danger",
            title=f"A probe got out of a sandbox: {', '.join(record.breaches)}",
            advice="Sandboxes start all the same, as RANGE_ALLOW_UNPROTECTED says."
            if settings.RANGE_ALLOW_UNPROTECTED
            else "No sandbox is started until it is closed: 'manage.py doctor --probe', as root, "
            "tells what is open and looks again.",
        )


def _roles(known: Status) -> Iterator[Notice]:
    ailing = [role.name for role in known.roles if not role.healthy] if known.supervised else []
    if ailing:
        yield Notice(
            kind="danger",
            title=f"Not running: {', '.join(ailing)}",
            advice="The supervisor tries again by itself; var/log has a log of each role.",
        )


def _room(load: Load, memory: Memory) -> Iterator[Notice]:
    shut_out = [
        kind.version.scenario.title
        for kind in load.kinds
        if kind.on_offer and memory.fits(kind.needed_mb) == 0
    ]
    if shut_out:
        yield Notice(
            kind="danger",
            title=f"No room for another sandbox of {', '.join(shut_out[:3])}"
            + (f" and {len(shut_out) - 3} more" if len(shut_out) > 3 else ""),
            advice="Launches are refused until sandboxes end or memory is freed. Trainees are "
            "told to try again.",
        )


def _disk(disks: Sequence[Disk]) -> Iterator[Notice]:
    for disk in disks:
        if disk.known and disk.free_bytes < MINIMUM_DISK_GB * 1e9:
            yield Notice(
                kind="danger",
                title=f"The disk with {disk.place} is almost full",
                advice=f"Free some space where {disk.folder} lies; for images, 'docker system df' "
                "tells who takes it.",
            )


def _queue(load: Load) -> Iterator[Notice]:
    if load.longest_wait > LONG_WAIT:
        yield Notice(
            kind="warn",
            title="Somebody in the queue has waited for more than a minute",
            advice="The reconciler starts sandboxes: see whether it runs, and its log in var/log.",
        )


def _failures(launched: int, failed: int) -> Iterator[Notice]:
    if failed and failed / max(launched, failed) > MANY_FAILURES:
        yield Notice(
            kind="warn",
            title=f"{failed} of the last day's {max(launched, failed)} launches went wrong",
            advice="The table of failures says why, and what to do.",
        )


def _promises(load: Load, memory: Memory) -> Iterator[Notice]:
    if memory.total_mb is None:
        return
    missing = load.reserved_mb - (memory.total_mb - memory.kept_mb)
    if missing > 0:
        yield Notice(
            kind="warn",
            title=f"{missing} MB would be missing if every sandbox took all it may",
            advice="Most take far less. When they do not, the kernel ends programs: allow fewer "
            "at a time, or add memory.",
        )
