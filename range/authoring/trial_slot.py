"""One trial a scenario at a time, and the removal of what a killed one left behind."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from range.lib.errors import RangeError
from range.runtime import options as driver_options
from range.runtime.driver import Driver, Handle
from range.runtime.options import DriverOptions

type Drivers = Callable[[DriverOptions], Driver]


class AlreadyTried(RangeError):
    """Somebody tries the same scenario at this moment."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"{slug} is being tried already. End that first, or open a shell in it with --shell.",
            reason="already-tried",
            status=409,
        )


class NothingTried(RangeError):
    """Nobody tries the scenario at this moment."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"{slug} is not being tried. Start it: manage.py try_scenario {slug}",
            reason="not-tried",
            status=404,
        )


def options_for(slug: str) -> DriverOptions:
    """Return options under which a scenario's trial is told from everything else."""
    present = driver_options.current()
    return replace(present, installation=f"{present.installation}-try-{slug}")


@contextmanager
def slot(folder: Path, slug: str, drivers: Drivers) -> Iterator[Driver]:
    """Hold a scenario's place for trials; nothing of the trial is left afterwards.

    The engine's label tells whose the containers are, a lock that ends with the process whether
    anybody is still there, and what is written into it whether something may be left: so what a
    killed trial left is removed when the next begins.

    Args:
        folder: Where locks lie.

    Raises:
        AlreadyTried: Somebody else holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{slug}.lock").open("a") as lock:
        if not _taken(lock):
            raise AlreadyTried(slug)
        sweep(folder, drivers)
        driver = drivers(options_for(slug))
        _remove_all(driver)
        lock.write("tried\n")
        lock.flush()
        try:
            yield driver
        finally:
            _remove_all(driver)
            lock.truncate(0)


def sweep(folder: Path, drivers: Drivers) -> list[str]:
    """Remove the sandboxes of trials whose process is gone; return their scenarios."""
    found = []
    for path in sorted(folder.glob("*.lock")):
        with path.open("a") as lock:
            if path.stat().st_size and _taken(lock):
                _remove_all(drivers(options_for(path.stem)))
                lock.truncate(0)
                found.append(path.stem)
    return found


def running(slug: str, drivers: Drivers) -> tuple[Driver, Handle]:
    """Return where a scenario's trial runs.

    Raises:
        NothingTried: It does not.
    """
    driver = drivers(options_for(slug))
    for handle in driver.running():
        if handle.machines:
            return driver, handle
    raise NothingTried(slug)


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_all(driver: Driver) -> None:
    for handle in list(driver.running()):
        driver.stop(handle)
