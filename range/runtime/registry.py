"""The drivers there are, by the name a sandbox's row holds."""

from collections.abc import Callable
from functools import cache

from range.lib.errors import RangeError
from range.runtime import options as driver_options
from range.runtime.driver import Consoles, Driver
from range.runtime.options import DriverOptions


class UnknownDriver(RangeError):
    """No driver has that name."""

    def __init__(self, name: str) -> None:
        known = ", ".join(sorted(DRIVERS))
        super().__init__(
            f"There is no driver {name!r}; the drivers are {known}.", reason="driver", status=500
        )


def _docker(options: DriverOptions) -> Driver:
    # Imported late: a process that only uses the fake never loads the engine's library.
    from range.runtime.docker_engine import DockerDriver

    return DockerDriver(options)


def _fake(options: DriverOptions) -> Driver:
    from range.runtime.fake import FakeDriver

    return FakeDriver(options)


DRIVERS: dict[str, Callable[[DriverOptions], Driver]] = {"docker": _docker, "fake": _fake}


def get_driver(name: str, options: DriverOptions | None = None) -> Driver:
    """Return the process's one driver of that name; it may be used from any thread.

    Raises:
        UnknownDriver: No driver has that name.
    """
    if name not in DRIVERS:
        raise UnknownDriver(name)
    return _made(name, options or driver_options.current())


@cache
def _made(name: str, options: DriverOptions) -> Driver:
    return DRIVERS[name](options)


def get_consoles(name: str) -> Consoles:
    """Return what opens consoles of sandboxes of that driver, without the rest of it.

    Raises:
        UnknownDriver: No driver has that name.
    """
    return _docker_consoles(driver_options.current()) if name == "docker" else get_driver(name)


@cache
def _docker_consoles(options: DriverOptions) -> Consoles:
    # The console role never loads the engine's library.
    from range.runtime.docker_console import DockerConsoles
    from range.runtime.engine_http import EngineSocket

    return DockerConsoles(EngineSocket(options.engine_url))
