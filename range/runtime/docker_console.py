"""Consoles of containers: entered as their user, in a shell that outlives the connection."""

import re
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from range.runtime import docker_exec, host_processes
from range.runtime.console_stream import AsyncEngine, EngineConsole
from range.runtime.docker_spec import container_name
from range.runtime.driver import ConsoleUnavailable, Handle, NoSuchMachine, Size
from range.runtime.engine_http import EngineSocket
from range.runtime.held_console import HeldConsole

_CONSOLE_ID = re.compile(r"[a-z0-9-]{1,32}")
_HELPERS = "/usr/local/lib/range"
_HOLDER = "console-hold"
_HANG_UPS, _BETWEEN_HANG_UPS_SECONDS = 5, 0.02
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


class DockerConsoles:
    """Opens and ends consoles of sandboxes on one engine; all that the console role needs."""

    def __init__(self, engine: EngineSocket) -> None:
        self._engine = engine

    async def open_console(
        self, handle: Handle, machine: str, size: Size, *, console_id: str = "main"
    ) -> EngineConsole:
        """Enter the machine on the event loop, where a shell can be held by way of its holder."""
        container, user = container_of(handle, machine), handle.machines[machine].console_user
        wanted = partial(command, machine, user, size, console_id=console_id)
        engine = AsyncEngine(self._engine.socket_path, self._engine.version())
        if console := await HeldConsole.find(engine, container, wanted(held=True), size):
            return console
        return await EngineConsole.open(engine, container, wanted(held=False), size)

    def kill_consoles(self, handle: Handle, machine: str, *, console_id: str = "") -> None:
        """Kill what holds the shells."""
        container, user = container_of(handle, machine), handle.machines[machine].console_user
        name = f"{user}-{console_id}" if console_id else ""
        kill_holders(self._engine, container, name, within=timedelta(seconds=10))


def container_of(handle: Handle, machine: str) -> str:
    """Return the name of a machine's container.

    Raises:
        NoSuchMachine: The sandbox has no such machine.
    """
    if machine not in handle.machines:
        raise NoSuchMachine(machine)
    return container_name(handle.sandbox_id, machine)


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


def kill_holders(engine: EngineSocket, container: str, name: str, *, within: timedelta) -> None:
    """End what holds consoles open in a container, and the shells in it.

    Args:
        name: Only the console of this name, as its holder knows it; empty for all.

    Raises:
        SandboxGone: The container does not run.
    """
    found = engine.ask("GET", f"/containers/{container}/json")["Id"]
    rows = _processes(engine, container)
    # Brackets, so that the program which looks for the pattern is not what it finds.
    pattern = f"[c]{_HOLDER[1:]} "
    if name:
        pattern += f"/run/console/{name.replace('.', '[.]')}[.]sock "
    held = {row[0] for row in rows if row[3] == _HOLDER and re.search(pattern, row[4])}
    if held and not host_processes.can_signal():
        argv = ["pkill", "-KILL", "-f", pattern]
        docker_exec.run(engine, container, argv, user="root", timeout=within)
        return
    for pid in held:
        host_processes.kill(int(pid), found)
    # A terminal that ends hangs up on its shell and on what runs in front. What the shell was just
    # starting is neither yet; what asked to outlive its terminal outlives this, too.
    shells = {row[0] for row in rows if row[1] in held}
    for _ in range(_HANG_UPS if shells else 0):
        time.sleep(_BETWEEN_HANG_UPS_SECONDS)
        left = [row[0] for row in _processes(engine, container) if row[2] in shells]
        for pid in left:
            host_processes.kill(int(pid), found, hang_up=True)
        if not left:
            return


def _processes(engine: EngineSocket, container: str) -> Sequence[Sequence[str]]:
    """Return pid, parent, session, name and arguments of each process, as the host numbers them."""
    columns = quote("-eo pid,ppid,sid,comm,args")
    return engine.ask("GET", f"/containers/{container}/top?ps_args={columns}")["Processes"] or ()
