"""Runs the probes of containment, one run at a time, and leaves nothing behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from range.lib.errors import RangeError
from range.runtime.containment import kernel, network, rig
from range.runtime.containment.host import Host
from range.runtime.containment.verdict import Verdict
from range.runtime.driver import Driver
from range.runtime.options import current
from range.runtime.registry import get_driver

_PAUSE_SECONDS = 0.2


class ProbesBusy(RangeError):
    """Another process runs the probes, and does not end."""

    def __init__(self) -> None:
        super().__init__(
            "The probes are being run already. Wait until that run has ended, and try again.",
            reason="probes-busy",
            status=503,
            retryable=True,
        )


def probing_driver(name: str) -> Driver:
    """Return a driver whose sandboxes the reconciler's reaper does not take for its own."""
    options = current()
    return get_driver(name, replace(options, installation=f"{options.installation}-probes"))


def run(driver: Driver, *, host: Host | None = None, everything: bool) -> list[Verdict]:
    """Try to get out of fresh sandboxes and tell what came of it.

    Args:
        driver: One that no other sandboxes belong to: what it has running is removed.
        everything: All probes, in half a minute; otherwise the critical ones, in a few seconds.

    Raises:
        RangeError: No sandbox could be started to probe in.
    """
    sweep(driver)
    with rig.started(driver, everything=everything) as made:
        verdicts = network.look(made, host or Host(), everything=everything)
        return [*verdicts, *(kernel.look(made) if everything else [])]


def sweep(driver: Driver) -> None:
    """Remove what a run left that was killed."""
    for handle in list(driver.running()):
        driver.stop(handle)


@contextmanager
def alone(state_dir: Path, *, within: timedelta) -> Iterator[None]:
    """Hold the one permission to run probes on this machine; a dead holder loses it.

    Raises:
        ProbesBusy: Another process holds it for longer than `within`.
    """
    end = time.monotonic() + within.total_seconds()
    state_dir.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(state_dir / "probes.lock", flags, 0o600)
    try:
        while not _locked(descriptor):
            if time.monotonic() >= end:
                raise ProbesBusy
            time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
