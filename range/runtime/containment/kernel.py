"""Probes of the kernel and of limits: what root of a machine is refused, and what is bounded."""

import errno
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from range.lib.errors import RangeError
from range.runtime import docker_spec
from range.runtime.containment import attacks
from range.runtime.containment.rig import ATTACKER, GLUTTON, PEER, PIDS_LIMIT, Rig
from range.runtime.containment.verdict import Outcome, Verdict, control, unproven

KERNEL_CONTROL = "control-kernel"
LIMITS_CONTROL = "control-limits"
# A probe, and what must be refused for it to count as stopped.
DEEDS: Mapping[str, tuple[str, ...]] = {
    "mount": ("mount",),
    "unshare": ("unshare-user", "unshare-mount"),
    "ptrace-another": ("ptrace-another",),
    "ptrace-host": ("ptrace-host",),
    "mknod": ("mknod-block", "mknod-character"),
    "cgroup-release-agent": ("release-agent",),
    "io-uring": ("io-uring",),
    "af-vsock": ("vsock",),
    "bpf": ("bpf",),
    "settime": ("settime",),
}
ALLOWED = ("fifo", "inet")
# Ended by the filter on system calls; any other signal would be a fault of the program.
_KILLED = -signal.SIGSYS
# Anything else, such as EINVAL, means that the kernel went past the question of rights.
_REFUSALS = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOSYS,
    errno.EROFS,
    errno.EAFNOSUPPORT,
    _KILLED,
}
_NO_SUCH_PROCESS = {"ptrace-host"}
# Folders that lie in memory, and the MiB they may hold. Source: docker_spec.
_FOLDERS = {"/tmp": 64, "/run": 16, "/dev/shm": 16}  # noqa: S108
_FLOOD_MB = 96
_FILES = {"/tmp": 16 << 10, "/run": 4 << 10}  # noqa: S108
_MANY_FILES, _MANY_TERMINALS = 20_000, 200
# Held for longer than the slowest host takes to look: with the machine it goes once the run ends.
_HIDDEN_MB, _HIDDEN_SECONDS = 8, 60.0


def look(rig: Rig) -> list[Verdict]:
    """Try what would reach out of a container, and what would take its host's resources."""
    return [*_refused(rig), *_bounded(rig)]


def _refused(rig: Rig) -> Iterator[Verdict]:
    pid = os.getpid()
    began = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
    try:
        said = rig.told(attacks.DEEDS, str(pid), began)
    except RangeError as error:
        said = {"error": error.message}
    works = control(
        KERNEL_CONTROL,
        all(said.get(name) == 0 for name in ALLOWED),
        saw="what a machine may do, it does: a pipe is made, a socket opened",
        missed="not even a pipe and a socket could be made",
    )
    for probe, names in DEEDS.items():
        yield judge_deeds(probe, names, said, works=works)
    yield works


def judge_deeds(
    probe: str, names: tuple[str, ...], said: Mapping[str, Any], *, works: Verdict
) -> Verdict:
    """Judge a probe from the error numbers its deeds ended with."""
    if missing := [name for name in names if not _is_told(said.get(name))]:
        return unproven(probe, f"{', '.join(missing)} could not be tried")
    refusals = _REFUSALS | ({errno.ESRCH} if probe in _NO_SUCH_PROCESS else set())
    done = [name for name in names if said[name] not in refusals]
    told = ", ".join(f"{name}: {_word(said[name])}" for name in done or names)
    if done:
        return Verdict(probe=probe, outcome=Outcome.OPEN, detail=told)
    if works.outcome is not Outcome.OK:
        return unproven(probe, f"see {works.probe}")
    return Verdict(probe=probe, outcome=Outcome.STOPPED, detail=told)


def _bounded(rig: Rig) -> Iterator[Verdict]:
    yield from _counted(rig)
    for probe, look_at in (
        ("tmp-flood", _flood),
        ("disk-flood", _hidden),
        ("memory-hog", _hog),
        ("fork-bomb", _bomb),
        (LIMITS_CONTROL, _others),
    ):
        try:
            yield look_at(rig)
        except RangeError as error:
            yield unproven(probe, error.message)


def _flood(rig: Rig) -> Verdict:
    said = rig.told(attacks.FLOOD, str(_FLOOD_MB), *_FOLDERS, machine=GLUTTON)
    return judge_flood(said)


def judge_flood(said: Mapping[str, Any]) -> Verdict:
    """Judge how much went into folders that lie in memory, in MiB."""
    if not all(isinstance(said.get(folder), int) and said[folder] > 0 for folder in _FOLDERS):
        return unproven("tmp-flood", "the folders could not be filled at all")
    told = ", ".join(f"{folder}: {said[folder]} MiB" for folder in _FOLDERS)
    over = any(said[folder] > most for folder, most in _FOLDERS.items())
    return Verdict(
        probe="tmp-flood", outcome=Outcome.OPEN if over else Outcome.BOUNDED, detail=told
    )


def _counted(rig: Rig) -> Iterator[Verdict]:
    words = (str(_MANY_FILES), str(_MANY_TERMINALS), *_FILES)
    try:
        said = rig.told(attacks.COUNTS, *words, machine=GLUTTON)
    except RangeError:
        said = {}
    yield judge_files(said)
    yield judge_terminals(said)


def judge_files(said: Mapping[str, Any]) -> Verdict:
    """Judge how many empty files folders in memory can hold."""
    if not all(isinstance(said.get(folder), int) and said[folder] > 0 for folder in _FILES):
        return unproven("file-flood", "no file could be made")
    told = ", ".join(f"{folder}: {said[folder]}" for folder in _FILES)
    over = any(said[folder] > most for folder, most in _FILES.items())
    outcome = Outcome.OPEN if over else Outcome.BOUNDED
    return Verdict(probe="file-flood", outcome=outcome, detail=told)


def judge_terminals(said: Mapping[str, Any]) -> Verdict:
    """Judge how many terminals a machine can take from all others."""
    opened = said.get("terminals")
    if not isinstance(opened, int) or opened == 0:
        return unproven("terminal-flood", "no terminal could be opened")
    over = opened > docker_spec.TERMINALS
    outcome = Outcome.OPEN if over else Outcome.BOUNDED
    return Verdict(probe="terminal-flood", outcome=outcome, detail=f"{opened} were opened")


def _hidden(rig: Rig) -> Verdict:
    """Judge whether the watch over disks sees what a machine writes and hides."""
    argv = (str(_HIDDEN_MB), str(_HIDDEN_SECONDS))
    if rig.attack(attacks.HIDDEN_FILE, *argv, machine=GLUTTON).stdout != b"written\n":
        return unproven("disk-flood", "nothing could be written")
    (look,) = (
        each
        for each in rig.driver.survey(sizes=True)
        if (each.sandbox_id, each.machine) == (rig.own.sandbox_id, GLUTTON)
    )
    seen_mb = look.disk_bytes >> 20
    told = f"{seen_mb} MiB are seen of {_HIDDEN_MB} in a file without a name"
    outcome = Outcome.BOUNDED if seen_mb >= _HIDDEN_MB else Outcome.OPEN
    return Verdict(probe="disk-flood", outcome=outcome, detail=told)


def _hog(rig: Rig) -> Verdict:
    said = rig.attack(attacks.MEMORY_HOG, machine=GLUTTON).stdout.strip()
    if said == b"survived":
        return Verdict(probe="memory-hog", outcome=Outcome.OPEN, detail="1 GiB was taken")
    if said != b"killed":
        return unproven("memory-hog", "nobody knows what became of it")
    return Verdict(probe="memory-hog", outcome=Outcome.BOUNDED, detail="it was killed")


def _bomb(rig: Rig) -> Verdict:
    said = rig.attack(attacks.FORK_BOMB, machine=GLUTTON).stdout.split()
    return judge_bomb(int(said[0]) if said and said[0].isdigit() else 0)


def judge_bomb(children: int) -> Verdict:
    """Judge how many processes a machine could hold."""
    if children == 0:
        return unproven("fork-bomb", "not one process could be started")
    over = children >= PIDS_LIMIT
    return Verdict(
        probe="fork-bomb",
        outcome=Outcome.OPEN if over else Outcome.BOUNDED,
        detail=f"{children} processes of at most {PIDS_LIMIT}",
    )


def _others(rig: Rig) -> Verdict:
    answers = [rig.attack("print(1)", machine=name).exit_code == 0 for name in (ATTACKER, PEER)]
    return control(
        LIMITS_CONTROL,
        all(answers),
        saw="the machines beside it still answer",
        missed="the machines beside it no longer answer",
    )


def _is_told(code: Any) -> bool:
    return isinstance(code, int) and (code >= 0 or code == _KILLED)


def _word(code: int) -> str:
    if code == _KILLED:
        return "killed"
    return "done" if code == 0 else errno.errorcode.get(code, str(code))
