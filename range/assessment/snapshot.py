"""A probe that looks at each file once a round, so that many checks cost few looks."""

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from range.checks.base import (
    FileStat,
    Happening,
    HttpReply,
    Probe,
    ProbeUnavailable,
    Process,
    ToolResult,
    TypedCommand,
)
from range.checks.file_metadata import parents_of


class Snapshot:
    """Remembers files and processes of one round of judging; connections are made anew.

    Checks of one round then also agree about what they saw.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._seen: dict[tuple[Any, ...], Any] = {}
        self._contents: dict[tuple[str, str], bytes] = {}
        # Whole folders, by machine and path: they tell of every file below them.
        self._folders: dict[tuple[str, str], dict[str, FileStat]] = {}

    def read_file(self, machine: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return a regular file's content; what was read once serves every limit."""
        known = self._contents.get((machine, path))
        if known is not None:
            return known if len(known) <= limit_bytes else None
        found: bytes | None = self._once(
            ("read", machine, path, limit_bytes),
            lambda: self._probe.read_file(machine, path, limit_bytes=limit_bytes),
        )
        if found is not None:
            self._contents[machine, path] = found
        return found

    def look(
        self, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> tuple[FileStat, bytes | None] | None:
        """Tell what lies at a path, with its content."""
        found: tuple[FileStat, bytes | None] | None = self._once(
            ("look", machine, path, limit_bytes),
            lambda: self._probe.look(machine, path, limit_bytes=limit_bytes),
        )
        return found

    def stat(self, machine: str, path: str) -> FileStat | None:
        """Tell what lies at a path; a folder that was listed tells of what is in it."""
        for folder in parents_of(path):
            entries = self._folders.get((machine, folder))
            if entries:
                return entries.get(path)
        found: FileStat | None = self._once(
            ("stat", machine, path), lambda: self._probe.stat(machine, path)
        )
        return found

    def list_files(self, machine: str, path: str, *, limit: int = 2000) -> Sequence[FileStat]:
        """Return everything below a folder."""
        whole = self._folders.get((machine, path))
        if whole is not None and len(whole) < limit:
            return tuple(whole.values())
        found: Sequence[FileStat] = self._once(
            ("list", machine, path, limit),
            lambda: self._probe.list_files(machine, path, limit=limit),
        )
        if len(found) < limit:
            self._folders[machine, path] = {each.path: each for each in found}
        return found

    def processes(self, machine: str) -> Sequence[Process]:
        """Return the machine's processes."""
        found: Sequence[Process] = self._once(
            ("processes", machine), lambda: self._probe.processes(machine)
        )
        return found

    def held_still(self, machine: str) -> AbstractContextManager[None]:
        """Hold a machine still."""
        return self._probe.held_still(machine)

    def turn(self) -> None:
        """Come from another place."""
        self._probe.turn()

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
        """Ask a machine over HTTP, each time anew."""
        return self._probe.http(
            from_network=from_network,
            method=method,
            url=url,
            headers=headers,
            body=body,
            timeout_seconds=timeout_seconds,
        )

    def can_connect(
        self, *, from_network: str, host: str, port: int, timeout_seconds: float = 2.0
    ) -> bool:
        """Try a connection, each time anew."""
        return self._probe.can_connect(
            from_network=from_network, host=host, port=port, timeout_seconds=timeout_seconds
        )

    def connect(
        self,
        *,
        from_network: str,
        host: str,
        port: int,
        timeout_seconds: float = 5.0,
        datagrams: bool = False,
    ) -> socket.socket | None:
        """Connect, each time anew."""
        return self._probe.connect(
            from_network=from_network,
            host=host,
            port=port,
            timeout_seconds=timeout_seconds,
            datagrams=datagrams,
        )

    def tool(
        self,
        machine: str,
        argv: Sequence[str],
        *,
        files: Mapping[str, bytes],
        replaced: Sequence[str] = (),
        timeout_seconds: float = 10.0,
    ) -> ToolResult:
        """Run a trusted program beside the machine."""
        return self._probe.tool(
            machine, argv, files=files, replaced=replaced, timeout_seconds=timeout_seconds
        )

    def run_inside(
        self, machine: str, argv: Sequence[str], *, account: str, timeout_seconds: float = 10.0
    ) -> ToolResult:
        """Run a program of the machine's own."""
        return self._probe.run_inside(
            machine, argv, account=account, timeout_seconds=timeout_seconds
        )

    def transcript(self) -> Sequence[TypedCommand]:
        """Return the commands of the attempt so far."""
        found: Sequence[TypedCommand] = self._once(("transcript",), self._probe.transcript)
        return found

    def events(self) -> Sequence[Happening]:
        """Return what happened in the attempt so far."""
        found: Sequence[Happening] = self._once(("events",), self._probe.events)
        return found

    def asset(self, path: str, *, filled: bool = False) -> bytes:
        """Return a file of the scenario."""
        found: bytes = self._once(
            ("asset", path, filled), lambda: self._probe.asset(path, filled=filled)
        )
        return found

    def latest_submission(self, objective: str, check: str) -> str | None:
        """Return the trainee's last answer to a check."""
        return self._probe.latest_submission(objective, check)

    def _once(self, key: tuple[Any, ...], look: Callable[[], Any]) -> Any:
        if key not in self._seen:
            try:
                self._seen[key] = look()
            except ProbeUnavailable as error:
                # What could not be looked at once is not asked for again in this round.
                self._seen[key] = error
        found = self._seen[key]
        if isinstance(found, ProbeUnavailable):
            raise found
        return found
