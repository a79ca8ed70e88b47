"""What the engine's refusals mean for a launch, in words for a trainee."""

from docker.errors import APIError

from range.lib.errors import RangeError
from range.runtime.driver import EngineDown, LaunchFailed
from range.runtime.engine_client import explanation

# What an engine says when the machine it runs on has no more to give.
_USED_UP = (
    "no space left",
    "cannot allocate memory",
    "resource temporarily unavailable",
    "exchange full",
    "could not find an available",
    "too many open files",
)
# In older engines and in newer ones.
_UNKNOWN_RUNTIME = ("unknown runtime", "unknown or invalid runtime")


def as_launch_failure(error: RangeError) -> LaunchFailed:
    """Return what a launch that met an error ends with, in words for its trainee."""
    cause = error.__cause__
    said = explanation(cause).lower() if isinstance(cause, APIError) else error.message.lower()
    if isinstance(error, EngineDown):
        return LaunchFailed(error.message, reason="engine-down", retryable=True)
    if any(phrase in said for phrase in _USED_UP):
        return LaunchFailed(
            "The range has no room for another sandbox now. Try again in a few minutes.",
            reason="capacity",
            retryable=True,
        )
    if any(phrase in said for phrase in _UNKNOWN_RUNTIME):
        return LaunchFailed(
            "The container engine does not know the stronger runtime that this range names.",
            reason="runtime-missing",
        )
    if error.reason == "unsafe-topology":
        return LaunchFailed(error.message, reason="unsafe-topology")
    return LaunchFailed(error.message, reason="engine", retryable=True)
