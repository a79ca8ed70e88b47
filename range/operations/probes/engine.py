"""Looks at the container engine: whether it answers, is safe, and is out of others' reach."""

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from range.lib.errors import RangeError
from range.lib.state import SYSTEM_USER
from range.operations.finding import Finding, ok, problem, warning
from range.runtime import host_firewall
from range.runtime.engine_client import Engine
from range.sandboxes import probe_record

SOCKET = Path("/run/docker.sock")
MINIMUM_VERSION = (20, 10)
INSTALL = "Install and start Docker Engine: bin/up does on Debian and Ubuntu."


def look() -> Iterator[Finding]:
    """Look at everything here; without an answer there is little more to ask."""
    try:
        with Engine().client() as client:
            information: Mapping[str, Any] = client.info()
            yield version(str(information.get("ServerVersion", "")))
            yield storage(information)
            yield restarts(information)
            yield user_namespaces(information)
            yield from stronger_runtime(information, settings.RANGE_STRONGER_RUNTIME)
    except RangeError as error:
        yield problem("Engine", error.message, INSTALL)
    yield firewall()
    yield containment(probe_record.newest(settings.RANGE_STATE_DIR))
    yield reach(SOCKET)


def version(text: str) -> Finding:
    """Judge the engine's version."""
    parts = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if parts < MINIMUM_VERSION:
        return problem("Engine", f"Docker Engine {text}", "Version 20.10 or newer is needed.")
    return ok("Engine", f"Docker Engine {text}")


def storage(information: Mapping[str, Any]) -> Finding:
    """Judge how the engine stores and limits."""
    says = f"{information.get('Driver')}, cgroup v{information.get('CgroupVersion', '1')}"
    if information.get("MemoryLimit") is False or information.get("PidsLimit") is False:
        return problem(
            "Limits",
            f"{says}; memory or processes cannot be limited.",
            "Use a kernel with the memory and pids cgroups; a fork bomb would take the machine.",
        )
    return ok("Limits", says)


def restarts(information: Mapping[str, Any]) -> Finding:
    """Judge whether sandboxes outlive a restart of the engine."""
    if information.get("LiveRestoreEnabled"):
        return ok("Restarts", "Sandboxes go on while the engine restarts.")
    return warning(
        "Restarts",
        "A restart of the engine, such as for an update, ends every running sandbox.",
        'Recommended: "live-restore": true in /etc/docker/daemon.json; then reload the engine.',
    )


def user_namespaces(information: Mapping[str, Any]) -> Finding:
    """Judge whether root of a sandbox is root of the machine."""
    options = " ".join(str(option) for option in information.get("SecurityOptions") or [])
    if "userns" in options or "rootless" in options:
        return ok("User namespaces", "Root of a sandbox is nobody here.")
    return warning(
        "User namespaces",
        "Off: only capabilities and seccomp stand between a sandbox's root and this machine's.",
        'Recommended: "userns-remap": "default" in /etc/docker/daemon.json.',
    )


def stronger_runtime(information: Mapping[str, Any], name: str) -> Iterator[Finding]:
    """Judge whether the engine has the runtime that a setting names; nothing where none does."""
    known = sorted(information.get("Runtimes") or ())
    if name in known:
        yield ok("Stronger runtime", f"{name}, for machines whose scenario allows it.")
    elif name:
        yield problem(
            "Stronger runtime",
            f"The engine does not know {name!r}, only {', '.join(known)}.",
            "Machines that ask for it do not start: name it in /etc/docker/daemon.json, "
            "or leave RANGE_STRONGER_RUNTIME empty.",
        )


def firewall() -> Finding:
    """Judge the rules that keep sandboxes off this machine."""
    try:
        missing = host_firewall.verify()
    except RangeError as error:
        return problem("Firewall", error.message, "Install iptables, and look as root.")
    if missing:
        return problem(
            "Firewall",
            f"{len(missing)} rules are missing, such as: {missing[0]}",
            "The reconciler role sets them when it starts as root; run bin/up as root.",
        )
    return ok("Firewall", "Sandboxes cannot reach this machine.")


def containment(record: probe_record.ProbeRecord | None) -> Finding:
    """Judge what the newest probes found."""
    if record is None:
        return warning(
            "Probes",
            "Nobody has tried yet to get out of a sandbox here.",
            "manage.py doctor --probe does, in ten seconds; the reconciler does when it starts.",
        )
    if record.breaches:
        return problem(
            "Probes",
            f"They got out of a sandbox: {', '.join(record.breaches)}.",
            "No sandbox of a trainee starts. Mend it, then run manage.py doctor --probe again.",
        )
    return ok("Probes", f"None got out, {record.at:%Y-%m-%d %H:%M} UTC.")


def reach(socket: Path) -> Finding:
    """Judge whether the roles without need for the engine could open its socket."""
    name = "Web role and engine"
    if not socket.exists():
        return ok(name, "There is no socket here.")
    if os.geteuid() != 0:
        return warning(
            name,
            "Started without root, every role has the same rights, the engine's included.",
            "For trainees you do not trust, start the range as root: sudo bin/up.",
        )
    try:
        account = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return warning(name, f"There is no system user {SYSTEM_USER} yet.", "Run bin/up.")
    if may_open(socket.stat(), account.pw_uid, os.getgrouplist(SYSTEM_USER, account.pw_gid)):
        return problem(
            name,
            f"The user {SYSTEM_USER} can open {socket}, and with it own this machine.",
            f"Take {SYSTEM_USER} out of the socket's group, and the world's rights off the socket.",
        )
    return ok(name, f"The user {SYSTEM_USER} cannot open {socket}.")


def may_open(socket: os.stat_result, uid: int, groups: list[int]) -> bool:
    """Tell whether a user may write to, and so connect to, a socket."""
    if socket.st_uid == uid:
        return bool(socket.st_mode & stat.S_IWUSR)
    if socket.st_gid in groups:
        return bool(socket.st_mode & stat.S_IWGRP)
    return bool(socket.st_mode & stat.S_IWOTH)
