"""A probe over plain values, so that every kind can be judged without an engine."""

import socket
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from range.checks.base import (
    FileStat,
    Happening,
    HttpReply,
    ProbeUnavailable,
    Process,
    ToolResult,
    TypedCommand,
)


class FakeProbe:
    """Answers from what a test put into it, and keeps what it was asked."""

    def __init__(self):
        self.files: dict[tuple[str, str], FileStat] = {}
        self.contents: dict[tuple[str, str], bytes] = {}
        self.running: dict[str, list[Process]] = {}
        self.services: dict[tuple[str, int], object] = {}
        self.open_ports: set[tuple[str, str, int]] = set()
        self.commands: list[TypedCommand] = []
        self.tools: dict[str, object] = {}
        self.ran: list[dict] = []
        self.assets: dict[tuple[str, bool], bytes] = {}
        self.happened: list[Happening] = []
        self.submissions: dict[tuple[str, str], str] = {}
        self.replies: list = []
        self.requests: list[dict] = []
        self.reads: list[str] = []
        self.down = False
        self.turns = 0
        # Machines in which nothing moves now.
        self.still: set[str] = set()

    def file(self, path, content=b"", *, machine="box", mode=0o644, uid=0, gid=0, **more):
        """Put a file."""
        content = content.encode() if isinstance(content, str) else content
        self.contents[machine, path] = content
        size = more.pop("size_bytes", len(content))
        self.files[machine, path] = FileStat(
            path=path, mode=mode, uid=uid, gid=gid, size_bytes=size, **more
        )

    def folder(self, path, *, mode=0o755, uid=0):
        """Put a folder."""
        self.file(path, mode=mode, uid=uid, is_directory=True)

    def link(self, path, target):
        """Put a link."""
        self.file(path, b"secret elsewhere", mode=0o777, is_link=True, link_target=target)

    def process(self, *argv, uid=0, executable="", machine="box"):
        """Run a process."""
        running = self.running.setdefault(machine, [])
        running.append(Process(pid=len(running) + 1, uid=uid, argv=argv, executable=executable))

    def typed(self, text, *, machine="box", exit_code=0):
        """Type a command."""
        number = len(self.commands) + 1
        self.commands.append(
            TypedCommand(number=number, machine=machine, text=text, exit_code=exit_code)
        )

    def happen(self, kind, *, at=0, **facts):
        """Record an event so many seconds after the attempt's beginning."""
        moment = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=at)
        number = len(self.happened) + 1
        self.happened.append(Happening(number=number, at=moment, kind=kind, facts=facts))

    def answer(self, status=200, body=b"", headers=()):
        """Queue an HTTP reply."""
        body = body.encode() if isinstance(body, str) else body
        self.replies.append(HttpReply(status=status, headers=tuple(headers), body=body))

    def _look(self):
        if self.down:
            raise ProbeUnavailable("engine-down")

    def read_file(self, machine, path, *, limit_bytes=1 << 20):
        self._look()
        self.reads.append(path)
        stat = self.files.get((machine, path))
        if stat is None or stat.is_directory or stat.is_link or stat.size_bytes > limit_bytes:
            return None
        return self.contents[machine, path]

    def look(self, machine, path, *, limit_bytes=1 << 20):
        self._look()
        stat = self._found(machine, path)
        if stat is None:
            return None
        plain = not (stat.is_directory or stat.is_link or stat.is_special)
        if not plain or stat.size_bytes > limit_bytes:
            return stat, None
        self.reads.append(path)
        return stat, self.contents[machine, path]

    def stat(self, machine, path):
        self._look()
        return self._found(machine, path)

    def _found(self, machine, path):
        found = self.files.get((machine, path))
        below = path.rstrip("/") + "/"
        if found is None and any(m == machine and n.startswith(below) for m, n in self.files):
            # A folder that nobody made, but must be there.
            return FileStat(path=path, mode=0o755, uid=0, gid=0, size_bytes=0, is_directory=True)
        return found

    def list_files(self, machine, path, *, limit=2000):
        self._look()
        below = [
            stat
            for (where, name), stat in sorted(self.files.items())
            if where == machine and PurePosixPath(path) in PurePosixPath(name).parents
        ]
        return below[:limit]

    def processes(self, machine):
        self._look()
        return self.running.get(machine, [])

    @contextmanager
    def held_still(self, machine):
        self.still.add(machine)
        yield
        self.still.discard(machine)

    def turn(self):
        self.turns += 1

    def http(self, **asked):
        self._look()
        self.requests.append(asked)
        if not self.replies:
            return None
        reply = self.replies.pop(0)
        return reply(asked) if callable(reply) else reply

    def can_connect(self, *, from_network, host, port, timeout_seconds=2.0):
        self._look()
        return (from_network, host, port) in self.open_ports

    def serve(self, host, port, service):
        """Answer connections: `service` gets each one's other end, in a thread."""
        self.services[host, port] = service

    def connect(self, *, from_network, host, port, timeout_seconds=5.0, datagrams=False):
        self._look()
        service = self.services.get((host, port))
        if service is None:
            return None
        kind = socket.SOCK_SEQPACKET if datagrams else socket.SOCK_STREAM
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)

        def work():
            with theirs, suppress(OSError):
                service(theirs)

        threading.Thread(target=work, daemon=True).start()
        return ours

    def tool(self, machine, argv, **given):
        self._look()
        self.ran.append({"machine": machine, "argv": argv, **given})
        run = self.tools.get(argv[0])
        return run(given["files"]) if run else ToolResult(exit_code=127, stdout=b"", stderr=b"")

    def run_inside(self, machine, argv, *, account, timeout_seconds=10.0):
        return self.tool(machine, argv, files={"account": account})

    def transcript(self):
        return self.commands

    def events(self):
        self._look()
        return self.happened

    def asset(self, path, *, filled=False):
        self._look()
        if (path, filled) not in self.assets:
            raise ProbeUnavailable("scenario-broken")
        return self.assets[path, filled]

    def latest_submission(self, objective, check):
        return self.submissions.get((objective, check))
