"""A probe over plain values, so that every kind can be judged without an engine."""

from pathlib import PurePosixPath

from range.checks.base import FileStat, HttpReply, ProbeUnavailable, Process, TypedCommand


class FakeProbe:
    """Answers from what a test put into it, and keeps what it was asked."""

    def __init__(self):
        self.files: dict[tuple[str, str], FileStat] = {}
        self.contents: dict[tuple[str, str], bytes] = {}
        self.running: dict[str, list[Process]] = {}
        self.open_ports: set[tuple[str, str, int]] = set()
        self.commands: list[TypedCommand] = []
        self.submissions: dict[tuple[str, str], str] = {}
        self.replies: list = []
        self.requests: list[dict] = []
        self.reads: list[str] = []
        self.down = False

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

    def stat(self, machine, path):
        self._look()
        return self.files.get((machine, path))

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

    def transcript(self):
        return self.commands

    def latest_submission(self, objective, check):
        return self.submissions.get((objective, check))
