"""How a console enters a container: as the console's user, in a shell that outlives it."""

import re
from datetime import timedelta
from typing import Any

from range.runtime import docker_exec, host_processes
from range.runtime.driver import ConsoleUnavailable, Size
from range.runtime.engine_client import Engine

_CONSOLE_ID = re.compile(r"[a-z0-9-]{1,32}")
_HELPERS = "/usr/local/lib/range"
_HOLDER = "console-hold"
# The engine keeps a sequence of keys for itself, and each beginning of it back: by default Ctrl+P,
# which shells and editors use, followed by Ctrl+Q. Nobody types this one.
_DETACH_KEYS = "ctrl-^,ctrl-@,ctrl-^,ctrl-@,ctrl-^,ctrl-@,ctrl-^,ctrl-@"
# The holder has a terminal of its own: a second one around it would cost each key two sleeps.
_HOLD = f'[ -x {_HELPERS}/console-framed ] && exec {_HELPERS}/console-framed "$@"'
# Images that do not come from our base have no helper: they get a plain shell that ends with
# its connection. Images from an earlier base hold their shells through a second terminal.
_ENTER = (
    f'[ -x {_HELPERS}/console ] && exec {_HELPERS}/console "$@"; '
    'cd "${HOME:-/}" || cd /; exec /bin/sh -l'
)


def command(machine: str, user: str, size: Size, *, console_id: str, held: bool) -> dict[str, Any]:
    """Return the engine's arguments for entering a machine.

    Args:
        held: Whether to ask for a shell that is held in the machine; where none can be, the
            program ends without a word.

    Raises:
        ConsoleUnavailable: The machine has no console, or the id is malformed.
    """
    if not user:
        raise ConsoleUnavailable(f"Machine {machine} has no console.")
    if not _CONSOLE_ID.fullmatch(console_id):
        raise ConsoleUnavailable(f"{console_id[:40]!r} cannot name a console.")
    return {
        "User": user,
        "Tty": not held,
        "DetachKeys": _DETACH_KEYS,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": not held,
        "Env": [
            "TERM=xterm-256color",
            "COLORTERM=truecolor",
            "LANG=C.UTF-8",
            f"USER={user}",
            f"LOGNAME={user}",
        ],
        "Cmd": [
            "/bin/sh",
            "-c",
            _HOLD if held else _ENTER,
            "console",
            f"{user}-{console_id}",
            str(size.rows),
            str(size.columns),
        ],
    }


def kill_holders(engine: Engine, container: str, name: str, *, within: timedelta) -> None:
    """End what holds consoles open in a container, and the shells in it.

    Args:
        name: Only the console of this name, as its holder knows it; empty for all.

    Raises:
        SandboxGone: The container does not run.
    """
    with engine.client() as client:
        found = client.inspect_container(container)["Id"]
        rows = client.top(container, ps_args="-eo pid,comm,args")["Processes"]
    # Brackets, so that the program which looks for the pattern is not what it finds.
    pattern = f"[c]{_HOLDER[1:]} "
    if name:
        pattern += f"/run/console/{name.replace('.', '[.]')}[.]sock "
    held = [row for row in rows or () if row[1] == _HOLDER and re.search(pattern, row[2])]
    if held and not host_processes.can_signal():
        argv = ["pkill", "-KILL", "-f", pattern]
        docker_exec.run(engine, container, argv, user="root", timeout=within)
    for pid, *_ in held:
        host_processes.kill(int(pid), found)
