"""What may go wrong between the range and what runs its sandboxes."""

from range.lib.errors import RangeError


class SandboxGone(RangeError):
    """The sandbox, or the machine asked for, no longer exists or no longer runs."""

    def __init__(self, message: str = "This sandbox is no longer running.") -> None:
        super().__init__(message, reason="sandbox-gone", status=410)


class SandboxPaused(RangeError):
    """The sandbox is frozen; what was asked needs it to run."""

    def __init__(self) -> None:
        super().__init__(
            "This sandbox is paused. Resume it first.",
            reason="sandbox-paused",
            status=409,
            retryable=True,
        )


class NoSuchMachine(RangeError):
    """The sandbox never had a machine or network of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This sandbox has no {name!r}.", reason="no-such-machine", status=404)


class ConsoleUnavailable(RangeError):
    """The machine offers no console, or not one of that name."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="no-console", status=409)


class FileTooLarge(RangeError):
    """A file, or a folder's content, exceeds what the caller was ready to read."""

    def __init__(self, path: str, *, limit_bytes: int) -> None:
        super().__init__(
            f"{path} is larger than the {limit_bytes} bytes that are read.", reason="file-too-large"
        )


class EngineDown(RangeError):
    """The container engine does not answer."""

    def __init__(self, detail: str = "") -> None:
        hint = f" ({detail})" if detail else ""
        super().__init__(
            f"The container engine does not answer{hint}. Start it, or ask whoever runs the range.",
            reason="engine-down",
            status=503,
            retryable=True,
        )


class EngineError(RangeError):
    """The engine refused something this layer did not foresee."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"The container engine refused: {detail}", reason="engine", status=500)


class LaunchFailed(RangeError):
    """A sandbox could not be started; nothing of it is left.

    `reason` is one of capacity, image-missing, unhealthy, setup-failed, exited, engine-down,
    engine, deadline, runtime-missing, unsafe-topology.
    """

    def __init__(self, message: str, *, reason: str, retryable: bool = False) -> None:
        super().__init__(message, reason=reason, status=503, retryable=retryable)
