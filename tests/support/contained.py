"""Machines and a host in memory for the probes; they hold, but for holes made on purpose."""

import errno
import json
import socket
from contextlib import contextmanager

from range.runtime.containment import attacks
from range.runtime.containment.host import Host, Listener, Watcher
from range.runtime.docker_spec import bridge_name
from range.runtime.driver import ExecResult, MachineUsage
from range.runtime.fake import FakeDriver, FakeFile
from range.runtime.options import DriverOptions

HEARD = "/tmp/heard"
PORT = 7000


class FakeHost(Host):
    """A host whose cards and listeners are lists."""

    def __init__(self, *, is_root=True, shares_network=True, is_deaf=False):
        self.is_root = is_root
        self.shares_network = shares_network
        self.listener = Listener(port=PORT)
        self.watcher = Watcher([])
        self.is_deaf = is_deaf

    def addresses(self):
        return ["192.0.2.2", "192.0.2.3"]

    def link_local(self, card):
        return ["fe80::1"]

    def card_address(self, card):
        return "02:00:00:00:00:01" if self.shares_network else ""

    def call(self, address, port, word):
        if not self.is_deaf:
            self.listener.heard.append(word.encode())

    @contextmanager
    def listening(self):
        yield self.listener

    @contextmanager
    def watching(self, marks):
        if not self.is_root:
            raise PermissionError("only root")
        self.watcher = Watcher(marks)
        yield self.watcher


class ContainedDriver(FakeDriver):
    """Machines that run the attacks' programs and reach their peers only.

    Args:
        host: Who is reached through a hole.
        holes: Names of probes that get out.
        broken: Programs that do not work.
    """

    def __init__(self, host, *, holes=(), broken=()):
        super().__init__(DriverOptions(installation="contained"))
        self.host = host
        self.holes = set(holes)
        self.broken = set(broken)
        self.visitors = []

    def start(self, sandbox_id, topology, **more):
        handle = super().start(sandbox_id, topology, **more)
        for name in handle.machines:
            machine = self.machine(handle, name)
            machine.files[HEARD] = FakeFile(data=b"")
            machine.programs["python3"] = lambda argv, name=name, handle=handle: self.python(
                handle, name, argv[2], argv[3:]
            )
        return handle

    def python(self, handle, name, program, words):
        if program in self.broken:
            return ExecResult(exit_code=1, stderr=b"broken")
        said = self._answers(handle).get(program, lambda words: b"1")(list(words))
        return ExecResult(exit_code=0, stdout=said)

    def _answers(self, handle):
        return {
            attacks.LISTENER: lambda _: json.dumps(
                {"port": PORT, "card": "02:00:00:00:00:09"}
            ).encode(),
            attacks.REACH: lambda words: self._travel(handle, json.loads(words[1])),
            attacks.RAW_FRAMES: lambda words: self._travel(
                handle, [[w, "raw", a, p] for w, _, a, p in json.loads(words[1])]
            ),
            attacks.NAMES: lambda words: json.dumps(
                {name: self._resolved(name) for name in json.loads(words[0])}
            ).encode(),
            attacks.DEEDS: lambda _: json.dumps(self._deeds()).encode(),
            attacks.COUNTS: lambda _: json.dumps(
                {
                    "/tmp": 20_000 if "file-flood" in self.holes else 16_383,
                    "/run": 4000,
                    "terminals": 200 if "terminal-flood" in self.holes else 64,
                }
            ).encode(),
            attacks.HIDDEN_FILE: lambda words: self._write(handle, int(words[0])),
            attacks.FORK_BOMB: lambda _: b"900" if "fork-bomb" in self.holes else b"60",
            attacks.MEMORY_HOG: lambda _: b"survived" if "memory-hog" in self.holes else b"killed",
            attacks.FLOOD: lambda _: json.dumps(
                {"/tmp": 96 if "tmp-flood" in self.holes else 64, "/run": 16, "/dev/shm": 16}
            ).encode(),
        }

    def _write(self, handle, megabytes):
        if "disk-flood" not in self.holes:
            usage = MachineUsage(disk_bytes=megabytes << 20)
            self.machine(handle, "glutton").usage = usage
        return b"written\n"

    def _deeds(self):
        names = ["mount", "unshare-user", "unshare-mount", "ptrace-another", "mknod-block"]
        names += ["mknod-character", "release-agent", "io-uring", "vsock", "bpf", "settime"]
        said = dict.fromkeys(names, errno.EPERM)
        said |= {"ptrace-host": errno.ESRCH, "fifo": 0, "inet": 0}
        return said | {name: 0 for name in said if name in self.holes}

    def _resolved(self, name):
        known = {"peer", "neighbour"} if "neighbour-by-name" in self.holes else {"peer"}
        if "dns-answer" in self.holes and name.endswith(".example.com"):
            return ["192.0.2.99"]
        return ["10.0.0.3"] if name in known else []

    def _travel(self, handle, attempts):
        said = {}
        for word, how, address, _ in attempts:
            peer = handle.machines["peer"].addresses["lan"]
            is_through = address == peer or any(word.startswith(f"{hole}-") for hole in self.holes)
            said[word] = "connected" if how == "tcp" and is_through else "sent"
            if how == "tcp" and not is_through:
                said[word] = "timed out"
            self._note(handle, word, how, is_peer=address == peer, is_through=is_through)
        return json.dumps(said).encode()

    def _note(self, handle, word, how, *, is_peer, is_through):
        if is_peer:
            file = self.machine(handle, "peer").files[HEARD]
            self.machine(handle, "peer").files[HEARD] = FakeFile(data=file.data + word.encode())
        elif is_through and word.startswith("host-"):
            self.host.listener.heard.append(word.encode())
        if how == "raw" and word in self.host.watcher.cards:
            self.host.watcher.cards[word] |= {bridge_name(handle.sandbox_id, "lan"), "veth12"}
        if is_through and word.startswith("egress") and word in self.host.watcher.cards:
            self.host.watcher.cards[word].add("eth0")

    def connect(self, handle, from_network, host, port, **more):
        ours, theirs = socket.socketpair()
        self.visitors.append(theirs)
        return ours

    def read_file(self, handle, machine, path, **more):
        data = super().read_file(handle, machine, path, **more)
        if machine == "neighbour":
            while self.visitors:
                with self.visitors.pop() as theirs:
                    data += theirs.recv(100)
        return data
