"""The one implementation of the probe: looks at a sandbox through its driver."""

import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from range.checks.base import (
    FileStat,
    Happening,
    HttpReply,
    ProbeUnavailable,
    Process,
    ToolResult,
    TooMuchThere,
    TypedCommand,
)
from range.lib.errors import RangeError
from range.runtime.driver import Driver, ExecResult, FileTooLarge, Handle


class SandboxProbe:
    """Looks at a running sandbox from outside, and at what the trainee handed in.

    Args:
        handle: None when no sandbox runs; then only submissions and the transcript can be seen.
        submissions: Last answer by objective and check.
        transcript: Asked only by checks that read it; `events` and `assets` likewise.
        assets: Returns a file of the scenario by path, filled in or as it is.
    """

    def __init__(
        self,
        driver: Driver,
        handle: Handle | None,
        *,
        submissions: Mapping[tuple[str, str], str] | None = None,
        transcript: Callable[[], Sequence[TypedCommand]] = tuple,
        events: Callable[[], Sequence[Happening]] = tuple,
        assets: Callable[[str, bool], bytes] | None = None,
    ) -> None:
        self._driver = driver
        self._given = handle
        self._submissions = submissions or {}
        self._transcript = transcript
        self._events = events
        self._assets = assets
        # Which of the free addresses of a network it comes from: nobody can know before.
        self._place = secrets.randbelow(1 << 16)

    @property
    def _handle(self) -> Handle:
        if self._given is None:
            raise ProbeUnavailable("no sandbox is running")
        return self._given

    def read_file(self, machine: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return a regular file's content; a file over the limit counts as none."""
        with _looking():
            try:
                return self._driver.read_file(self._handle, machine, path, limit_bytes=limit_bytes)
            except FileTooLarge:
                return None

    def look(
        self, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> tuple[FileStat, bytes | None] | None:
        """Tell what lies at `path`, with its content, in one look."""
        with _looking():
            return self._driver.look(self._handle, machine, path, limit_bytes=limit_bytes)

    def stat(self, machine: str, path: str) -> FileStat | None:
        """Tell what lies at `path`, a final link not followed."""
        with _looking():
            return self._driver.stat(self._handle, machine, path)

    def list_files(self, machine: str, path: str, *, limit: int = 2000) -> Sequence[FileStat]:
        """Return everything below a folder, links not followed."""
        with _looking():
            try:
                return self._driver.list_files(self._handle, machine, path, limit=limit)
            except FileTooLarge as error:
                raise TooMuchThere(path) from error

    def processes(self, machine: str) -> Sequence[Process]:
        """Return the machine's processes as seen from outside."""
        with _looking():
            return self._driver.processes(self._handle, machine)

    @contextmanager
    def held_still(self, machine: str) -> Iterator[None]:
        """Let nothing move in a machine while it is looked at."""
        with ExitStack() as held:
            with _looking():
                held.enter_context(self._driver.held_still(self._handle, machine))
            yield

    def turn(self) -> None:
        """Come from the next free address of each network."""
        self._place += 1

    def http(
        self,
        *,
        from_network: str,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout_seconds: float = 5.0,
    ) -> HttpReply | None:
        """Ask a machine over HTTP from the grader's own place on a network."""
        with _looking():
            return self._driver.http(
                self._handle,
                from_network,
                method,
                url,
                headers=headers,
                body=body,
                timeout=timedelta(seconds=timeout_seconds),
                place=self._place,
            )

    def can_connect(
        self, *, from_network: str, host: str, port: int, timeout_seconds: float = 2.0
    ) -> bool:
        """Tell whether a TCP connection from a network to `host:port` is accepted."""
        connection = self.connect(
            from_network=from_network, host=host, port=port, timeout_seconds=timeout_seconds
        )
        if connection is not None:
            connection.close()
        return connection is not None

    def connect(
        self,
        *,
        from_network: str,
        host: str,
        port: int,
        timeout_seconds: float = 5.0,
        datagrams: bool = False,
    ) -> socket.socket | None:
        """Connect from the grader's own place on a network; None if nothing accepts."""
        with _looking():
            try:
                return self._driver.connect(
                    self._handle,
                    from_network,
                    host,
                    port,
                    timeout=timedelta(seconds=timeout_seconds),
                    datagrams=datagrams,
                    place=self._place,
                )
            except OSError:
                return None

    def tool(
        self,
        machine: str,
        argv: Sequence[str],
        *,
        files: Mapping[str, bytes],
        replaced: Sequence[str] = (),
        timeout_seconds: float = 10.0,
    ) -> ToolResult:
        """Run a program of the machine's image, as it was built, beside the machine."""
        timeout = timedelta(seconds=timeout_seconds)
        with _looking():
            return _told(
                self._driver.tool(
                    self._handle, machine, argv, files=files, replaced=replaced, timeout=timeout
                )
            )

    def run_inside(
        self, machine: str, argv: Sequence[str], *, account: str, timeout_seconds: float = 10.0
    ) -> ToolResult:
        """Run a program of the machine's own: a trainee may have replaced it."""
        timeout = timedelta(seconds=timeout_seconds)
        with _looking():
            return _told(
                self._driver.exec(self._handle, machine, argv, user=account, timeout=timeout)
            )

    def transcript(self) -> Sequence[TypedCommand]:
        """Return the redacted commands of the attempt so far, in order."""
        return self._transcript()

    def events(self) -> Sequence[Happening]:
        """Return what happened in the attempt so far, in order."""
        return self._events()

    def asset(self, path: str, *, filled: bool = False) -> bytes:
        """Return a file of the scenario, which no sandbox holds."""
        if self._assets is None:
            raise ProbeUnavailable("no files of the scenario are at hand")
        with _looking():
            return self._assets(path, filled)

    def latest_submission(self, objective: str, check: str) -> str | None:
        """Return the trainee's last answer to a check, or None."""
        return self._submissions.get((objective, check))


def _told(result: ExecResult) -> ToolResult:
    return ToolResult(
        exit_code=result.exit_code,
        stdout=result.stdout,
        stderr=result.stderr,
        timed_out=result.timed_out,
    )


@contextmanager
def _looking() -> Iterator[None]:
    """Turn what the range could not do into INCONCLUSIVE, never into the trainee's failure."""
    try:
        yield
    except RangeError as error:
        raise ProbeUnavailable(error.reason) from error
