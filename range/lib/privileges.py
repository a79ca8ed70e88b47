"""Starts a program as a system user that sees the clone but not the engine's socket.

A clone or an interpreter may lie below a folder that only root may enter. Opening that folder to
the world would be wrong, so such a program gets a mount namespace of its own: there an empty
folder covers the closed one, and only what the program needs is put back at its old path. No
permission of a real folder changes.

Run as a module it is the launcher: it prepares, drops its rights and becomes the program.
"""

import argparse
import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from range.lib.errors import RangeError

# Source: linux/mount.h and linux/prctl.h.
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38

MOVE_IT = (
    "Move the clone to a folder every user may enter, such as /opt/muster, and run bin/up there."
)


class PrivilegeError(RangeError):
    """Rights could not be dropped as promised; nothing was started."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="privileges", status=500)


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """How a program is to be started.

    Args:
        user: System user it runs as; the present one when None.
        readable: Folders it needs, whatever lies above them.
        hidden: Files it must not see; covered where it gets a namespace.
        parent_signal: Sent to it when its starter dies, however that happens.
    """

    user: str | None = None
    readable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    parent_signal: int = signal.SIGTERM

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """Return the launcher's argv for a program's; the clone must be the working folder."""
        command = [sys.executable, "-m", "range.lib.privileges"]
        command += ["--parent", str(os.getpid()), "--parent-signal", str(self.parent_signal)]
        command += ["--user", self.user] if self.user else []
        command += [part for path in self.readable for part in ("--readable", str(path))]
        command += [part for path in self.hidden for part in ("--hidden", str(path))]
        return [*command, "--", *argv]


def interpreter_folders() -> tuple[Path, ...]:
    """Return the folders without which the present interpreter does not start."""
    folders = (sys.prefix, sys.base_prefix, sys.base_exec_prefix)
    return tuple(dict.fromkeys(Path(folder).resolve() for folder in folders))


def ensure_system_user(name: str) -> None:
    """Create a system user without home, password or shell, unless it exists.

    Raises:
        PrivilegeError: The user cannot be created.
    """
    try:
        pwd.getpwnam(name)
        return
    except KeyError:
        pass
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        raise PrivilegeError(f"There is no useradd here; create the system user {name!r} yourself.")
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    made = subprocess.run(
        [program, *options, "--home-dir", "/nonexistent", name],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise PrivilegeError(f"The system user {name!r} cannot be created: {made.stderr.strip()}")


def closed_folders(paths: Iterable[Path], *, user: str) -> list[Path]:
    """Return the topmost folder above each path, or the path itself, that the user cannot enter."""
    closed: dict[Path, None] = {}
    for path in paths:
        real = path.resolve()
        for folder in [*reversed(real.parents), real]:
            if _is_closed(folder, user):
                closed[folder] = None
                break
    return list(closed)


def enter_namespace(*, user: str, readable: Sequence[Path], hidden: Sequence[Path] = ()) -> None:
    """Give this process mounts of its own in which the user reaches every readable folder.

    Raises:
        PrivilegeError: The kernel refuses, as in a container without the right to mount.
    """
    closed = closed_folders(readable, user=user)
    if not closed:
        return
    try:
        os.unshare(os.CLONE_NEWNS)
        _mount("none", "/", None, MS_REC | MS_PRIVATE)
        wanted = _opened(readable, user)
        for folder in closed:
            _cover(folder, [path for path in wanted if path.is_relative_to(folder)])
        for file in hidden:
            if file.exists():
                _mount("/dev/null", str(file.resolve()), None, MS_BIND)
    except OSError as error:
        folders = ", ".join(str(folder) for folder in closed)
        raise PrivilegeError(
            f"The user {user!r} may not enter {folders}, and a private view of it cannot be made "
            f"({error.strerror}). {MOVE_IT}"
        ) from error


def drop_to(user: str) -> None:
    """Become the user for good: no other groups, no way back, no gain through setuid programs.

    Raises:
        PrivilegeError: Some right stayed.
    """
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if 0 in {*os.getresuid(), *os.getresgid(), *os.getgroups()}:
        raise PrivilegeError(f"Rights of root stayed after becoming {user!r}; nothing is started.")
    os.environ.update(USER=user, LOGNAME=user, HOME="/nonexistent")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare, drop rights, and become the program."""
    options = _parser().parse_args(arguments)
    argv: list[str] = options.argv
    try:
        if options.user and os.geteuid() == 0:
            _become(options)
        elif options.user and pwd.getpwuid(os.geteuid()).pw_name != options.user:
            raise PrivilegeError(f"Only root can start a program as {options.user!r}.")
    except PrivilegeError as error:
        sys.exit(error.message)
    if options.parent:
        _die_with(options.parent, options.parent_signal)
    os.execvp(argv[0], argv)  # noqa: S606


def _become(options: argparse.Namespace) -> None:
    here = Path.cwd()
    enter_namespace(user=options.user, readable=options.readable, hidden=options.hidden)
    # The old working folder still points below the cover; walk to it again.
    os.chdir(here)
    drop_to(options.user)
    program = shutil.which(options.argv[0])
    if program is None or not os.access(Path(program).resolve(), os.X_OK):
        raise PrivilegeError(
            f"The user {options.user!r} cannot run {options.argv[0]}: its files are readable by "
            f"their owner only. {MOVE_IT}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="privileges", description=__doc__)
    parser.add_argument("--user")
    parser.add_argument("--readable", type=Path, action="append", default=[])
    parser.add_argument("--hidden", type=Path, action="append", default=[])
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--parent-signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("argv", nargs="+")
    return parser


def _is_closed(path: Path, user: str) -> bool:
    """Tell whether it is a folder that the user may not enter."""
    if not path.is_dir():
        return False
    account = pwd.getpwnam(user)
    status = path.stat()
    if status.st_uid == account.pw_uid:
        return not status.st_mode & stat.S_IXUSR
    # Other groups the user has are left behind when rights are dropped.
    if status.st_gid == account.pw_gid:
        return not status.st_mode & stat.S_IXGRP
    return not status.st_mode & stat.S_IXOTH


def _opened(paths: Iterable[Path], user: str) -> list[Path]:
    """Return the paths, with what lies in a closed folder in that folder's place."""
    opened: list[Path] = []
    for path in paths:
        real = path.resolve()
        opened += sorted(real.iterdir()) if _is_closed(real, user) else [real]
    return opened


def _cover(folder: Path, wanted: Sequence[Path]) -> None:
    """Lay an empty folder over a closed one and put the wanted paths below it back."""
    # A held descriptor still leads to the real folder once the path to it is covered.
    held = [(path, os.open(path, os.O_PATH), path.is_dir()) for path in _outermost(wanted)]
    _mount("tmpfs", str(folder), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")
    for path, descriptor, is_folder in held:
        (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        if not is_folder:
            path.touch()
        _mount(f"/proc/self/fd/{descriptor}", str(path), None, MS_BIND | MS_REC)
        os.close(descriptor)
    _mount("none", str(folder), None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda each: len(each.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    texts = [None if text is None else text.encode() for text in (source, target, kind, data)]
    if libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        number = ctypes.get_errno()
        raise PrivilegeError(f"prctl {option} failed: {os.strerror(number)}")


def _die_with(parent: int, number: int) -> None:
    # Set after the change of user, which clears it.
    _prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        sys.exit("The starter is gone already.")


if __name__ == "__main__":
    main()
