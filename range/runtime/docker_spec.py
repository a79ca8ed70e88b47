"""Topology to engine arguments, purely; the one place where hardening lives."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from ipaddress import IPv4Network
from typing import Any
from uuid import UUID

from range.lib.errors import RangeError
from range.runtime.topology import Limits, Machine, SeedFile, Topology

INSTALLATION = "range.installation"
SANDBOX = "range.sandbox"
MACHINE = "range.machine"
NETWORK = "range.network"
CONSOLE_USER = "range.console-user"
ALIASES = "range.aliases"
PROBE = "range.probe"
DISK_LIMIT = "range.disk-limit"
_OURS = frozenset(
    {INSTALLATION, SANDBOX, MACHINE, NETWORK, CONSOLE_USER, ALIASES, PROBE, DISK_LIMIT}
)

BRIDGE_PREFIX = "rng-"
# Linux: IFNAMSIZ is 16 with the closing NUL. Source: linux/if.h.
BRIDGE_NAME_LENGTH = 15

# What sudo, su, nmap -sS, tcpdump, ping, strace and sshd need, and nothing else.
CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SYS_CHROOT",
)
# What a scenario may ask for beyond; the others would reach out of the container.
WIDENING = frozenset({"NET_ADMIN", "SYS_PTRACE", "SYS_NICE", "IPC_LOCK", "SETFCAP", "SETPCAP"})

# Documentation range, never routed: queries for names outside the sandbox end here. It must not
# be a loopback address, which the engine would ask from the host. Source: RFC 5737;
# CVE-2024-29018.
DNS_SINKHOLE = "203.0.113.53"

# An empty file takes a KiB of the machine's memory too, for as long as nobody removes it.
_TMP = "size=64m,nr_inodes=16k,mode=1777"
_RUN = "size=16m,nr_inodes=4k,mode=755"
# All machines draw on one number of terminals; without a bound of its own one of them takes all,
# and nobody's console opens. Source: devpts in the kernel's documentation, kernel.pty.max.
TERMINALS = 64
_DEVPTS = f"newinstance,ptmxmode=666,mode=620,max={TERMINALS},nosuid,noexec"
_TTY = 5
# A container's share where cores are short: the engine and the range's roles, whose groups have
# 1024, come first, and containers are equal among themselves. Source: cgroups(7), cpu.shares.
_CPU_SHARES = 128

# Whoever runs the range's own programs in containers. Source: Debian's base-passwd.
NOBODY = "65534:65534"
_SAFE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ON_TMPFS = ("/tmp/", "/run/", "/var/run/", "/dev/")  # noqa: S108


class UnsafeTopology(RangeError):
    """The topology asks for something no sandbox gets."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="unsafe-topology", status=422)


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a container is told about where it belongs.

    Args:
        installation: Which range on this engine owns it.
        subnets: Subnet of each network of the sandbox, by name.
        stronger_runtime: The runtime of machines that may have it; empty means the usual one.
        root_ids: Numbers that root of a machine, and its group, have on the host.
    """

    installation: str
    sandbox_id: UUID
    subnets: Mapping[str, IPv4Network]
    stronger_runtime: str = ""
    root_ids: tuple[int, int] = (0, 0)


def container_name(sandbox_id: UUID, machine: str) -> str:
    """Return the one name this machine's container can have."""
    return f"rng-{sandbox_id.hex}-{machine}"


def network_name(sandbox_id: UUID, network: str) -> str:
    """Return the one name this network can have."""
    return f"rng-{sandbox_id.hex}-{network}"


def bridge_name(sandbox_id: UUID, network: str) -> str:
    """Return the host interface of a network; the firewall knows all by their prefix."""
    digest = sha256(f"{sandbox_id}/{network}".encode()).hexdigest()
    return (BRIDGE_PREFIX + digest)[:BRIDGE_NAME_LENGTH]


def address(topology: Topology, machine: str, network: str, subnet: IPv4Network) -> str:
    """Return a machine's fixed address: the second and following ones, in topology order."""
    members = [m.name for m in topology.machines if network in m.networks]
    return str(subnet[2 + members.index(machine)])


def probe_address(subnet: IPv4Network) -> str:
    """Return the address kept free for the range's own probes: the last usable one."""
    return str(subnet[-2])


def prefix_length(topology: Topology, network: str) -> int:
    """Return how large a network's subnet must be; a /28 holds twelve machines."""
    members = sum(network in machine.networks for machine in topology.machines)
    # Beside the machines: network, gateway, probe and broadcast addresses.
    return 32 - max(4, (members + 4 - 1).bit_length())


def network_arguments(
    topology: Topology, network: str, subnet: IPv4Network, *, place: Place
) -> dict[str, Any]:
    """Return the engine's arguments for a network that has no route out nor to the host."""
    return {
        "name": network_name(place.sandbox_id, network),
        "driver": "bridge",
        "internal": True,
        "enable_ipv6": False,
        "check_duplicate": True,
        "labels": {**_labels(topology, place), NETWORK: network},
        "options": {
            "com.docker.network.bridge.name": bridge_name(place.sandbox_id, network),
            # The host keeps no address on the bridge; the firewall is what closes raw frames.
            "com.docker.network.bridge.inhibit_ipv4": "true",
            "com.docker.network.bridge.enable_ip_masquerade": "false",
        },
        "ipam": {
            "Driver": "default",
            "Config": [{"Subnet": str(subnet), "Gateway": str(subnet[1])}],
        },
    }


def container_arguments(topology: Topology, machine: Machine, *, place: Place) -> dict[str, Any]:
    """Return the engine's arguments for one machine, its first network included.

    Raises:
        UnsafeTopology: The machine asks for what no sandbox gets.
    """
    _refuse_unsafe(topology, machine)
    primary = machine.networks[0]
    return {
        "Image": machine.image,
        "Hostname": machine.name,
        "Env": [f"{name}={value}" for name, value in sorted(machine.environment.items())],
        "Labels": {
            **_labels(topology, place),
            MACHINE: machine.name,
            CONSOLE_USER: machine.console.user if machine.console else "",
            ALIASES: " ".join(machine.aliases),
            DISK_LIMIT: str(machine.limits.disk_mb << 20),
        },
        "Healthcheck": {"Test": ["NONE"]},
        "StopTimeout": 1,
        "HostConfig": {
            "NetworkMode": network_name(place.sandbox_id, primary),
            "CapAdd": sorted({*CAPABILITIES, *machine.add_capabilities}),
            **_runtime(machine, place),
            **_host_config(
                machine.limits, place=place, privilege_gain=machine.allow_privilege_gain
            ),
        },
        "NetworkingConfig": {
            "EndpointsConfig": {
                network_name(place.sandbox_id, primary): endpoint(
                    topology, machine, primary, place=place
                )
            }
        },
    }


def shape(topology: Topology, *, stronger_runtime: str = "") -> str:
    """Return a digest of networks and machines apart from their place, files and set-up."""
    pool = IPv4Network("192.0.2.0/24").subnets(new_prefix=28)
    nowhere = IPv4Network("192.0.2.0/28")
    subnets = {net.name: next(pool, nowhere) for net in topology.networks}
    place = Place(
        installation="",
        sandbox_id=UUID(int=0),
        subnets=subnets,
        stronger_runtime=stronger_runtime,
    )
    made = [
        *(network_arguments(topology, n, subnets[n], place=place) for n in subnets),
        *(container_arguments(topology, machine, place=place) for machine in topology.machines),
        [(machine.name, machine.networks) for machine in topology.machines],
    ]
    return sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


def endpoint(topology: Topology, machine: Machine, network: str, *, place: Place) -> dict[str, Any]:
    """Return how a machine joins a network: at a fixed address, known by name and aliases."""
    fixed = address(topology, machine.name, network, place.subnets[network])
    return {
        "IPAMConfig": {"IPv4Address": fixed},
        "Aliases": [machine.name, *machine.aliases],
    }


def probe_arguments(network: str, image: str, *, place: Place) -> dict[str, Any]:
    """Return the arguments of the container whose network namespace probes start from.

    It is an ordinary peer of the machines without a console, a capability or a trainee's file.
    """
    limits = Limits(cpu_cores=0.25, memory_mb=64, pids=32)
    name = network_name(place.sandbox_id, network)
    fixed = {"IPAMConfig": {"IPv4Address": probe_address(place.subnets[network])}}
    return {
        "Image": image,
        "Hostname": "peer",
        "User": NOBODY,
        "Cmd": ["sleep", "infinity"],
        "Entrypoint": [],
        "Labels": {**_owner(place), PROBE: network},
        "Healthcheck": {"Test": ["NONE"]},
        "StopTimeout": 1,
        "HostConfig": {
            "NetworkMode": name,
            "ReadonlyRootfs": True,
            **_host_config(limits, place=place, privilege_gain=False),
        },
        "NetworkingConfig": {"EndpointsConfig": {name: fixed}},
    }


def tool_arguments(image: str, *, place: Place) -> dict[str, Any]:
    """Return the arguments of a container that runs one trusted program beside a machine.

    It has the machine's image as it was built, no network, and nothing of the machine itself.
    """
    limits = Limits(cpu_cores=0.5, memory_mb=256, pids=64)
    return {
        "Image": image,
        "Hostname": "tool",
        "User": NOBODY,
        "Cmd": ["sleep", "infinity"],
        "Entrypoint": [],
        "Labels": _owner(place),
        "Healthcheck": {"Test": ["NONE"]},
        "StopTimeout": 1,
        "HostConfig": {
            "NetworkMode": "none",
            **_host_config(limits, place=place, privilege_gain=False),
        },
    }


def placed_before_start(machine: Machine) -> list[SeedFile]:
    """Return the files that go into the created container, before anything runs."""
    return [file for file in machine.files if not _hidden_by_start(file)]


def placed_after_start(machine: Machine) -> list[SeedFile]:
    """Return the files whose folder only exists once the machine runs: its tmpfs folders."""
    return [file for file in machine.files if _hidden_by_start(file)]


@cache
def seccomp_profile() -> str:
    """Return our allow-list of system calls, as the engine takes it: JSON text."""
    text = files("range.runtime").joinpath("seccomp.json").read_text("utf-8")
    profile = json.loads(text)
    for rule in profile["syscalls"]:
        rule.pop("comment", None)
    return json.dumps(profile, separators=(",", ":"))


def deviations(arguments: Mapping[str, Any], inspected: Mapping[str, Any]) -> list[str]:
    """Name every hardening value that a container does not have as it was asked for.

    Args:
        arguments: What `container_arguments` returned.
        inspected: What the engine tells of the container.
    """
    asked, found = arguments["HostConfig"], inspected["HostConfig"]
    compared = (key for key in asked if key not in {"Mounts", "Ulimits", "Init"})
    wrong = [key for key in compared if not _as_asked(asked[key], found.get(key))]
    if found.get("Binds"):
        wrong.append("Binds")
    mounted = {(m["Type"], m["Destination"]) for m in inspected.get("Mounts", ())}
    wanted = {(m["Type"], m["Target"]) for m in asked["Mounts"]}
    return sorted([*wrong, *(["Mounts"] if mounted != wanted else [])])


def _as_asked(asked: Any, found: Any) -> bool:
    if isinstance(asked, dict):
        return all(_as_asked(value, (found or {}).get(key)) for key, value in asked.items())
    if isinstance(asked, list):
        sides = (asked, found or [])
        wanted, given = (sorted(str(item).removeprefix("CAP_") for item in side) for side in sides)
        return wanted == given
    return bool(asked == found)


def _labels(topology: Topology, place: Place) -> dict[str, str]:
    extra = {f"range.{key}": value for key, value in topology.labels.items()}
    if forged := _OURS & extra.keys():
        raise UnsafeTopology(f"The label {min(forged)} belongs to the range.")
    return {**extra, **_owner(place)}


def _owner(place: Place) -> dict[str, str]:
    return {INSTALLATION: place.installation, SANDBOX: str(place.sandbox_id)}


def _refuse_unsafe(topology: Topology, machine: Machine) -> None:
    for name in (machine.name, *machine.networks, *machine.aliases):
        if not _SAFE_NAME.fullmatch(name):
            raise UnsafeTopology(f"{name!r} cannot name a machine or network: use a-z, 0-9 and -.")
    if not machine.networks or set(machine.networks) - {n.name for n in topology.networks}:
        raise UnsafeTopology(f"Machine {machine.name} must join networks of its own sandbox.")
    if forbidden := machine.add_capabilities - WIDENING:
        raise UnsafeTopology(f"No machine gets the capability {min(forbidden)}.")
    for file in machine.files:
        if not file.path.startswith("/") or ".." in file.path.split("/"):
            raise UnsafeTopology(f"{file.path!r} is not an absolute path.")


def _runtime(machine: Machine, place: Place) -> dict[str, str]:
    is_stronger = machine.stronger_runtime and place.stronger_runtime
    return {"Runtime": place.stronger_runtime} if is_stronger else {}


def _host_config(limits: Limits, *, place: Place, privilege_gain: bool) -> dict[str, Any]:
    memory = limits.memory_mb << 20
    suid = "" if privilege_gain else ",nosuid"
    # The engine mounts these from outside a machine's user namespace, where root has a number.
    uid, gid = place.root_ids
    owned = f"uid={uid},gid={gid}"
    return {
        "Privileged": False,
        "CapDrop": ["ALL"],
        "SecurityOpt": [
            f"seccomp={seccomp_profile()}",
            *([] if privilege_gain else ["no-new-privileges"]),
        ],
        "PidsLimit": limits.pids,
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": round(limits.cpu_cores * 1e9),
        "CpuShares": _CPU_SHARES,
        "OomScoreAdj": 500,
        "Init": True,
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "ShmSize": 16 << 20,
        "Ulimits": [
            {"Name": "nofile", "Soft": 4096, "Hard": 4096},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        # The engine's archive interface sees volumes but not its own --tmpfs: checks read /tmp.
        "Mounts": [
            _volume("/tmp", "tmpfs", f"{_TMP},{owned},nodev{suid}", place=place),  # noqa: S108
            _volume("/run", "tmpfs", f"{_RUN},{owned},nodev,nosuid", place=place),
            _volume("/dev/pts", "devpts", f"{_DEVPTS},gid={gid + _TTY}", place=place),
        ],
        "Tmpfs": {"/run/console": "size=1m,nr_inodes=256,mode=1777"},
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        "Dns": [DNS_SINKHOLE],
        "DnsSearch": ["."],
        "DnsOptions": ["timeout:1", "attempts:1"],
        # Lets ping work without a privilege, for as many groups as a user namespace usually has:
        # a wider range is refused in one. Source: ip(7), ping_group_range; subgid(5).
        "Sysctls": {"net.ipv4.ping_group_range": "0 65535"},
    }


def _volume(target: str, kind: str, options: str, *, place: Place) -> dict[str, Any]:
    return {
        "Type": "volume",
        "Target": target,
        "VolumeOptions": {
            "NoCopy": True,
            "Labels": _owner(place),
            "DriverConfig": {
                "Name": "local",
                "Options": {"type": kind, "device": kind, "o": options},
            },
        },
    }


def _hidden_by_start(file: SeedFile) -> bool:
    return file.path.startswith(_ON_TMPFS)
