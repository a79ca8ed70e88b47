"""A fake driver whose machines understand a handful of shell lines."""

import shlex
import time
from functools import partial

from range.runtime.driver import ExecResult
from range.runtime.fake import FakeDriver


class ShellDriver(FakeDriver):
    """Gives every machine a shell that can read, write and remove files."""

    def __init__(self):
        super().__init__()
        self.ran: list[tuple[str, str]] = []

    def start(self, *args, **options):
        handle = super().start(*args, **options)
        for name in handle.machines:
            machine = self.machine(handle, name)
            stays = partial(self.sandboxes.__contains__, handle.sandbox_id)
            machine.programs["/bin/bash"] = partial(_shell, machine, stays)
        return handle

    def exec(self, handle, machine, argv, *, user="root", **options):
        self.ran.append((user, argv[-1].removeprefix("set -e\n")))
        return super().exec(handle, machine, argv, user=user, **options)


def _shell(machine, stays, argv):
    output = b""
    for line in argv[2].splitlines():
        words = shlex.split(line)
        if words[0] == "cat" and words[1] in machine.files:
            output += machine.files[words[1]].data
        elif words[0] == "rm":
            machine.files.pop(words[-1], None)
        elif words[0] == "echo":
            output += (" ".join(words[1:]) + "\n").encode()
        elif words[0] == "environ":
            return ExecResult(exit_code=1, stdout=b"HOME=/root\0SHELL=/bin/bash\0")
        elif words[0] == "linger":
            while stays():
                time.sleep(0.02)
            return ExecResult(exit_code=137, stdout=output)
        elif words[0] == "hang":
            return ExecResult(exit_code=137, stdout=output, timed_out=True)
        elif words[0] not in ("true", "set"):
            return ExecResult(exit_code=1, stdout=output, stderr=b"cannot " + line.encode())
    return ExecResult(exit_code=0, stdout=output)


def images(spec, folder):
    """Say that every image is built."""
    return dict.fromkeys(spec.machines, "range/base:bookworm")
