"""What a driver is told about this installation; set once by the composition root."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DriverOptions:
    """Values every driver of this process uses.

    Args:
        installation: Separates several ranges on one engine: only containers that carry this
            label are listed, and reaped.
        engine_url: Address of the engine; empty means the environment's, else the local socket.
        network_pool: Range that sandbox networks are cut from, in CIDR notation.
        base_image: Image the range's own helpers run from, such as the one that connects.
        stronger_runtime: Name by which the engine knows a runtime, such as gVisor's, for machines
            that may have it; empty means the usual one for all.
        parallel: Engine calls of one launch at a time.
    """

    installation: str = "default"
    engine_url: str = ""
    network_pool: str = "10.213.0.0/16"
    base_image: str = "range/base:bookworm"
    stronger_runtime: str = ""
    parallel: int = 4


_current = DriverOptions()


def configure(options: DriverOptions) -> None:
    """Set the options drivers are made with from now on."""
    global _current
    _current = options


def current() -> DriverOptions:
    """Return what `configure` was told, else the defaults."""
    return _current
