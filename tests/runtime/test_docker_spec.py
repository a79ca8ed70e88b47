"""The hardening of containers and networks, value by value, without an engine."""

import json
from dataclasses import replace
from ipaddress import IPv4Network
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.runtime import docker_spec
from range.runtime.docker_spec import Place, UnsafeTopology
from range.runtime.topology import Console, Limits, Machine, Network, SeedFile, Topology

SANDBOX = UUID("00000000-0000-4000-8000-000000000001")
LAN = IPv4Network("10.213.0.16/28")
PLACE = Place(installation="spec", sandbox_id=SANDBOX, subnets={"lan": LAN})
DESK = Machine(name="desk", image="range/base:bookworm", networks=("lan",))


def topology(*machines, labels=None):
    return Topology(
        machines=machines or (DESK,), networks=(Network(name="lan"),), labels=labels or {}
    )


def arguments(machine=DESK, **changes):
    machine = replace(machine, **changes)
    return docker_spec.container_arguments(topology(machine), machine, place=PLACE)


def host_config(**changes):
    return arguments(**changes)["HostConfig"]


def seccomp():
    return json.loads(docker_spec.seccomp_profile())


def allowed_names():
    rules = seccomp()["syscalls"]
    return {
        name
        for rule in rules
        if rule["action"] == "SCMP_ACT_ALLOW" and "args" not in rule
        for name in rule["names"]
    }


def test_memory_and_terminals_belong_to_the_machines_root_in_a_user_namespace():
    place = replace(PLACE, root_ids=(100000, 200000))
    made = docker_spec.container_arguments(topology(DESK), DESK, place=place)
    mounts = {each["Target"]: each["VolumeOptions"] for each in made["HostConfig"]["Mounts"]}
    given = {target: each["DriverConfig"]["Options"]["o"] for target, each in mounts.items()}
    assert "uid=100000,gid=200000" in given["/tmp"]
    assert "uid=100000,gid=200000" in given["/run"]
    assert "gid=200005" in given["/dev/pts"]


def test_a_stronger_runtime_needs_both_a_setting_and_a_machine_that_allows_it():
    both = replace(DESK, stronger_runtime=True)
    named = replace(PLACE, stronger_runtime="runsc")
    found = {
        (machine is both, place is named): docker_spec.container_arguments(
            topology(machine), machine, place=place
        )["HostConfig"].get("Runtime")
        for machine in (DESK, both)
        for place in (PLACE, named)
    }
    assert found.pop((True, True)) == "runsc"
    assert set(found.values()) == {None}
    # What was made ahead under another runtime does not serve.
    shapes = {docker_spec.shape(topology(both), stronger_runtime=each) for each in ("", "runsc")}
    assert len(shapes) == 2


def test_the_golden_host_config():
    config = host_config()
    config["SecurityOpt"] = [option.partition("=")[0] for option in config["SecurityOpt"]]
    assert config == {
        "NetworkMode": "rng-00000000000040008000000000000001-lan",
        "Privileged": False,
        "CapDrop": ["ALL"],
        "CapAdd": [
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
        ],
        "SecurityOpt": ["seccomp", "no-new-privileges"],
        "PidsLimit": 128,
        "Memory": 256 << 20,
        "MemorySwap": 256 << 20,
        "NanoCpus": 500_000_000,
        "CpuShares": 128,
        "OomScoreAdj": 500,
        "Init": True,
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "ShmSize": 16 << 20,
        "Ulimits": [
            {"Name": "nofile", "Soft": 4096, "Hard": 4096},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "Mounts": [
            {
                "Type": "volume",
                "Target": target,
                "VolumeOptions": {
                    "NoCopy": True,
                    "Labels": {"range.installation": "spec", "range.sandbox": str(SANDBOX)},
                    "DriverConfig": {
                        "Name": "local",
                        "Options": {"type": kind, "device": kind, "o": options},
                    },
                },
            }
            for target, kind, options in (
                ("/tmp", "tmpfs", "size=64m,nr_inodes=16k,mode=1777,uid=0,gid=0,nodev,nosuid"),
                ("/run", "tmpfs", "size=16m,nr_inodes=4k,mode=755,uid=0,gid=0,nodev,nosuid"),
                (
                    "/dev/pts",
                    "devpts",
                    "newinstance,ptmxmode=666,mode=620,max=64,nosuid,noexec,gid=5",
                ),
            )
        ],
        "Tmpfs": {"/run/console": "size=1m,nr_inodes=256,mode=1777"},
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        "Dns": ["203.0.113.53"],
        "DnsSearch": ["."],
        "DnsOptions": ["timeout:1", "attempts:1"],
        "Sysctls": {"net.ipv4.ping_group_range": "0 65535"},
    }


def test_nothing_of_the_host_is_ever_mounted():
    config = host_config()
    assert not {"Binds", "Devices", "VolumesFrom", "PidMode", "UTSMode", "UsernsMode"} & set(config)
    assert {mount["Type"] for mount in config["Mounts"]} == {"volume"}
    assert not any("Source" in mount for mount in config["Mounts"])


def test_nobody_chooses_a_working_folder_or_a_command():
    assert not {"WorkingDir", "Cmd", "Entrypoint", "User"} & set(arguments())


def test_privilege_gain_is_refused_unless_the_scenario_declares_it():
    assert "no-new-privileges" in host_config()["SecurityOpt"]
    gaining = host_config(allow_privilege_gain=True)
    assert "no-new-privileges" not in gaining["SecurityOpt"]
    assert gaining["SecurityOpt"][0].startswith("seccomp=")
    assert "nosuid" not in gaining["Mounts"][0]["VolumeOptions"]["DriverConfig"]["Options"]["o"]


def test_limits_are_passed_on():
    config = host_config(limits=Limits(cpu_cores=1.25, memory_mb=64, pids=32))
    assert (config["NanoCpus"], config["Memory"], config["PidsLimit"]) == (
        1_250_000_000,
        64 << 20,
        32,
    )
    assert config["MemorySwap"] == config["Memory"] == 64 << 20


def test_a_declared_capability_is_added():
    added = host_config(add_capabilities=frozenset({"NET_ADMIN"}))["CapAdd"]
    assert set(added) == {*docker_spec.CAPABILITIES, "NET_ADMIN"}


@pytest.mark.parametrize(
    "capability",
    ["SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "DAC_READ_SEARCH", "MKNOD", "ALL", "BPF"],
)
def test_a_capability_that_leads_out_is_refused(capability):
    with pytest.raises(UnsafeTopology):
        arguments(add_capabilities=frozenset({capability}))


@pytest.mark.parametrize("name", ["", "-x", "a b", "../up", "UP", "a" * 64, "a/b", "a.b", "ä"])
def test_a_hostile_name_is_refused(name):
    with pytest.raises(UnsafeTopology):
        arguments(name=name)
    with pytest.raises(UnsafeTopology):
        arguments(aliases=(name,))


def test_a_network_of_somebody_else_is_refused():
    for networks in ((), ("host",), ("lan", "bridge")):
        with pytest.raises(UnsafeTopology):
            arguments(networks=networks)


@pytest.mark.parametrize("path", ["relative", "../etc/passwd", "/opt/../etc/passwd"])
def test_a_seeded_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(UnsafeTopology):
        arguments(files=(SeedFile(path=path, data=b""),))


def test_labels_tell_who_owns_a_container():
    machine = replace(DESK, console=Console(user="analyst"), aliases=("pc",))
    whole = topology(machine, labels={"attempt": "a1", "expires": "later"})
    labels = docker_spec.container_arguments(whole, machine, place=PLACE)["Labels"]
    assert labels == {
        "range.installation": "spec",
        "range.sandbox": str(SANDBOX),
        "range.machine": "desk",
        "range.console-user": "analyst",
        "range.aliases": "pc",
        "range.disk-limit": str(512 << 20),
        "range.attempt": "a1",
        "range.expires": "later",
    }


@pytest.mark.parametrize("label", ["installation", "sandbox", "machine", "probe"])
def test_a_topology_cannot_forge_the_ranges_labels(label):
    with pytest.raises(UnsafeTopology):
        docker_spec.container_arguments(topology(labels={label: "x"}), DESK, place=PLACE)


def test_the_golden_network():
    assert docker_spec.network_arguments(topology(), "lan", LAN, place=PLACE) == {
        "name": "rng-00000000000040008000000000000001-lan",
        "driver": "bridge",
        "internal": True,
        "enable_ipv6": False,
        "check_duplicate": True,
        "labels": {
            "range.installation": "spec",
            "range.sandbox": str(SANDBOX),
            "range.network": "lan",
        },
        "options": {
            "com.docker.network.bridge.name": docker_spec.bridge_name(SANDBOX, "lan"),
            "com.docker.network.bridge.inhibit_ipv4": "true",
            "com.docker.network.bridge.enable_ip_masquerade": "false",
        },
        "ipam": {
            "Driver": "default",
            "Config": [{"Subnet": "10.213.0.16/28", "Gateway": "10.213.0.17"}],
        },
    }


@given(st.uuids(), st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True))
def test_every_bridge_falls_under_the_firewalls_prefix_and_fits_the_kernel(sandbox_id, network):
    name = docker_spec.bridge_name(sandbox_id, network)
    assert name.startswith("rng-")
    assert len(name.encode()) == 15


def test_bridges_of_one_sandbox_differ():
    names = {docker_spec.bridge_name(SANDBOX, f"net-{number}") for number in range(500)}
    assert len(names) == 500


@given(st.integers(min_value=1, max_value=200))
def test_a_subnet_has_room_for_every_machine_and_a_probe(count):
    machines = tuple(replace(DESK, name=f"m{number}") for number in range(count))
    whole = topology(*machines)
    subnet = IPv4Network((0x0AD50000, docker_spec.prefix_length(whole, "lan")))
    found = {docker_spec.address(whole, machine.name, "lan", subnet) for machine in machines}
    others = {str(subnet[0]), str(subnet[1]), str(subnet[-1]), docker_spec.probe_address(subnet)}
    assert len(found) == count
    assert not found & others


def test_a_small_network_takes_a_small_subnet():
    assert docker_spec.prefix_length(topology(), "lan") == 28


def test_the_probes_peer_has_no_capability_and_nothing_to_write():
    peer = docker_spec.probe_arguments("lan", "range/base:bookworm", place=PLACE)
    config = peer["HostConfig"]
    assert "CapAdd" not in config
    assert config["CapDrop"] == ["ALL"]
    assert config["ReadonlyRootfs"]
    assert "no-new-privileges" in config["SecurityOpt"]
    assert peer["User"] == "65534:65534"
    assert peer["Labels"]["range.sandbox"] == str(SANDBOX)
    endpoint = peer["NetworkingConfig"]["EndpointsConfig"][config["NetworkMode"]]
    assert endpoint["IPAMConfig"] == {"IPv4Address": "10.213.0.30"}


def test_files_in_memory_folders_wait_for_the_start():
    files = tuple(
        SeedFile(path=path, data=b"")
        for path in ("/etc/a", "/tmp/b", "/run/c", "/var/run/d", "/tmpfile", "/home/x/tmp/e")
    )
    machine = replace(DESK, files=files)
    before = [file.path for file in docker_spec.placed_before_start(machine)]
    after = [file.path for file in docker_spec.placed_after_start(machine)]
    assert before == ["/etc/a", "/tmpfile", "/home/x/tmp/e"]
    assert after == ["/tmp/b", "/run/c", "/var/run/d"]


def test_system_calls_are_refused_unless_listed():
    assert seccomp()["defaultAction"] == "SCMP_ACT_ERRNO"


@pytest.mark.parametrize(
    "name",
    [
        *("mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "pivot_root"),
        *("unshare", "setns", "bpf", "keyctl", "add_key", "request_key", "perf_event_open"),
        *("io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "kcmp"),
        *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
        *("open_by_handle_at", "name_to_handle_at", "reboot", "swapon", "syslog", "acct"),
        *("settimeofday", "clock_settime", "clock_adjtime", "iopl", "ioperm", "sethostname"),
        *("quotactl", "pidfd_getfd", "memfd_secret", "fanotify_init", "socketcall", "clone3"),
        *("modify_ldt", "uselib", "ustat", "vhangup", "lookup_dcookie", "move_pages"),
    ],
)
def test_a_dangerous_system_call_is_not_listed(name):
    rules = seccomp()["syscalls"]
    assert not [r for r in rules if name in r["names"] and r["action"] == "SCMP_ACT_ALLOW"]


@pytest.mark.parametrize("name", ["socket", "socketpair", "clone", "personality"])
def test_a_call_that_depends_on_its_arguments_is_never_allowed_whole(name):
    assert name not in allowed_names()


def test_sockets_exist_for_five_families_only():
    rules = [rule for rule in seccomp()["syscalls"] if rule["names"] == ["socket"]]
    allowed = [rule["args"] for rule in rules if rule["action"] == "SCMP_ACT_ALLOW"]
    assert [len(args) for args in allowed] == [1] * 5
    assert {args[0]["value"] for args in allowed} == {1, 2, 10, 16, 17}
    assert {(args[0]["index"], args[0]["op"]) for args in allowed} == {(0, "SCMP_CMP_EQ")}


def test_another_socket_family_looks_absent():
    rules = [rule for rule in seccomp()["syscalls"] if rule["names"] == ["socket"]]
    refused = [rule for rule in rules if rule["action"] == "SCMP_ACT_ERRNO"]
    assert {rule["errnoRet"] for rule in refused} == {97}


def test_a_new_process_cannot_ask_for_a_new_namespace():
    (rule,) = [rule for rule in seccomp()["syscalls"] if rule["names"] == ["clone"]]
    new_namespaces = (
        0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
    )
    assert rule["args"] == [
        {"index": 0, "value": new_namespaces, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    ]


@pytest.mark.parametrize("name", ["clone3", "io_uring_setup"])
def test_calls_with_a_fallback_look_absent(name):
    (rule,) = [rule for rule in seccomp()["syscalls"] if name in rule["names"]]
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_no_foreign_architecture_slips_past_the_filter():
    assert all(entry["subArchitectures"] == [] for entry in seccomp()["archMap"])


@pytest.mark.parametrize("name", ["ptrace", "chroot", "execve", "setuid", "futex", "openat"])
def test_what_tools_need_is_listed(name):
    assert name in allowed_names()


def inspected(asked):
    return {
        "HostConfig": dict(asked["HostConfig"]),
        "Mounts": [
            {"Type": mount["Type"], "Destination": mount["Target"]}
            for mount in asked["HostConfig"]["Mounts"]
        ],
    }


def test_a_container_as_asked_for_deviates_in_nothing():
    asked = arguments()
    assert docker_spec.deviations(asked, inspected(asked)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Privileged", True),
        ("CapAdd", ["SYS_ADMIN"]),
        ("SecurityOpt", []),
        ("PidsLimit", 0),
        ("Memory", 0),
        ("Binds", ["/:/mnt"]),
        ("NetworkMode", "host"),
    ],
)
def test_a_softened_container_is_named(key, value):
    asked = arguments()
    found = inspected(asked)
    found["HostConfig"][key] = value
    assert docker_spec.deviations(asked, found) == [key]


def test_a_further_mount_is_named():
    asked = arguments()
    found = inspected(asked)
    found["Mounts"].append({"Type": "bind", "Destination": "/host"})
    assert docker_spec.deviations(asked, found) == ["Mounts"]
