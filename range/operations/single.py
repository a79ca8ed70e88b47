"""Makes sure that one clone runs once, and tells a running one to stop."""

import fcntl
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import IO

from range.lib.errors import RangeError


class AlreadyRunning(RangeError):
    """Another supervisor of this clone holds the lock."""

    def __init__(self, pid: int) -> None:
        super().__init__(
            f"The range runs already (process {pid}). Stop it with bin/up --stop.",
            reason="already-running",
            status=409,
        )
        self.pid = pid


def pid_file(base: Path) -> Path:
    """Return the file that holds the lock and the supervisor's process id."""
    return base / "var" / "supervisor.pid"


def claim(base: Path) -> IO[str]:
    """Take the lock; it lasts until the returned file is closed or the process ends.

    Raises:
        AlreadyRunning: Somebody else holds it.
    """
    pid_file(base).parent.mkdir(parents=True, exist_ok=True)
    file = pid_file(base).open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = int(file.read().strip() or 0)
        file.close()
        raise AlreadyRunning(pid) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def running_pid(base: Path) -> int | None:
    """Return the running supervisor's process id; None where none runs."""
    try:
        claim(base).close()
    except AlreadyRunning as error:
        return error.pid
    return None


def stop(base: Path, *, within: timedelta = timedelta(seconds=45)) -> bool:
    """Stop a running supervisor and wait for its end; tell whether there was one.

    Raises:
        RangeError: It goes on running.
    """
    pid = running_pid(base)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + within.total_seconds()
    while running_pid(base) is not None:
        if time.monotonic() > deadline:
            raise RangeError(
                f"Process {pid} does not end. Its log lies in var/log; 'kill -9 {pid}' ends it.",
                reason="still-running",
                status=500,
            )
        time.sleep(0.1)
    return True


def main() -> None:
    """Stop the range of this clone; bin/up --stop calls this."""
    try:
        stopped = stop(Path(__file__).resolve().parents[2])
    except RangeError as error:
        sys.exit(error.message)
    message = "The range is stopped; sandboxes stay and are looked after at the next start."
    sys.stdout.write((message if stopped else "The range was not running.") + "\n")


if __name__ == "__main__":
    main()
