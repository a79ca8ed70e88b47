"""Launches on a real engine: what goes wrong is named, and nothing is left behind."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from range.runtime import docker_networks, host_processes
from range.runtime.docker_spec import container_name
from range.runtime.driver import LaunchFailed, Status
from range.runtime.topology import Health, Machine, Network, SeedFile, Topology
from tests.contracts.rigs import IMAGE, DockerRig, single, soon, topology

pytestmark = [pytest.mark.docker, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def rig():
    made = DockerRig()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def swept(rig):
    """Stop what a test that failed had started: the next ones look for leftovers."""
    yield
    for handle in list(rig.driver.running()):
        rig.driver.stop(handle)


def leftovers(rig):
    labels = [f"range.installation={rig.driver.options.installation}"]
    with rig.driver.engine.client() as client:
        containers = client.containers(all=True, filters={"label": labels})
        networks = docker_networks.labelled_networks(client, labels)
        volumes = client.volumes(filters={"label": labels})["Volumes"] or []
    return [item.get("Names") or item.get("Name") for item in [*containers, *networks, *volumes]]


def failure(rig, asked, *, seconds=30):
    with pytest.raises(LaunchFailed) as caught:
        rig.driver.start(uuid4(), asked, deadline=soon(seconds))
    assert leftovers(rig) == []
    return caught.value


def test_a_stopped_sandbox_leaves_no_container_network_or_volume(rig):
    handle = rig.driver.start(uuid4(), topology(), deadline=soon())
    rig.driver.http(handle, "lan", "GET", "http://store/")
    assert leftovers(rig)
    rig.driver.stop(handle)
    assert leftovers(rig) == []


def test_one_missing_image_among_several_machines_leaves_nothing(rig):
    machines = [replace(single().machines[0], name=f"m{number}") for number in range(3)]
    machines.append(replace(machines[0], name="lost", image="range/none:missing"))
    error = failure(rig, replace(single(), machines=tuple(machines)))
    assert error.reason == "image-missing"
    assert "lost" in error.message


def test_a_machine_whose_program_ends_is_named(rig):
    # Without a writable /run/console this shell of ours would still run: make it end at once.
    asked = single(setup=(("sh", "-c", "kill -TERM -1"),), health=Health(kind="tcp", target="1"))
    error = failure(rig, asked)
    assert error.reason in {"exited", "setup-failed"}
    assert "desk" in error.message


def test_a_failing_set_up_command_is_named_without_its_output(rig):
    asked = single(setup=(("true",), ("sh", "-c", "echo FLAG-secret; exit 7"), ("touch", "/x")))
    error = failure(rig, asked)
    assert error.reason == "setup-failed"
    assert "7" in error.message
    assert "FLAG-secret" not in str(error)


@pytest.mark.parametrize(
    "health",
    [
        Health(kind="tcp", target="4242", within=timedelta(seconds=0.4)),
        Health(kind="http", target="http://desk:4242/", within=timedelta(seconds=0.4)),
        Health(kind="command", target="false", within=timedelta(seconds=0.4)),
    ],
    ids=lambda health: health.kind,
)
def test_a_machine_that_never_gets_ready_is_unhealthy(rig, health):
    assert failure(rig, single(health=health)).reason == "unhealthy"


SERVE = ("sh", "-c", "cd /opt; setsid python3 -m http.server 4242 >/dev/null 2>&1 </dev/null &")


@pytest.mark.parametrize("outside", [True, False], ids=["from the host", "from inside"])
@pytest.mark.parametrize(
    "health",
    [
        Health(kind="tcp", target="4242"),
        Health(kind="http", target="http://localhost:4242/"),
        Health(kind="command", target="\0".join(["nc", "-z", "localhost", "4242"])),
    ],
    ids=lambda health: health.kind,
)
def test_a_machine_is_waited_for_until_it_serves(rig, monkeypatch, health, outside):
    if not outside:
        monkeypatch.setattr(host_processes, "may_enter", lambda pid: False)
    handle = rig.driver.start(uuid4(), single(setup=(SERVE,), health=health), deadline=soon())
    assert rig.driver.exec(handle, "desk", ["nc", "-z", "localhost", "4242"]).exit_code == 0
    rig.driver.stop(handle)


def test_a_deadline_in_the_middle_leaves_nothing(rig):
    assert failure(rig, topology(), seconds=0.15).reason == "deadline"


def test_set_up_that_takes_too_long_leaves_nothing(rig):
    error = failure(rig, single(setup=(("sleep", "60"),)), seconds=2)
    assert error.reason in {"deadline", "setup-failed"}


def test_an_unsafe_topology_is_refused_before_anything_is_made(rig):
    asked = single(add_capabilities=frozenset({"SYS_ADMIN"}))
    assert failure(rig, asked).reason == "unsafe-topology"


def test_a_runtime_that_the_engine_does_not_know_is_an_error_at_once(rig):
    options = replace(rig.driver.options, stronger_runtime="no-such-runtime")
    named = type(rig.driver)(options)
    plain = named.start(uuid4(), single(), deadline=soon())
    with pytest.raises(LaunchFailed) as caught:
        named.start(uuid4(), single(stronger_runtime=True), deadline=soon())
    named.stop(plain)
    named.engine.close()
    assert (caught.value.reason, caught.value.retryable) == ("runtime-missing", False)
    assert leftovers(rig) == []


def test_a_used_up_pool_is_a_lack_of_capacity(rig):
    options = replace(rig.driver.options, network_pool="10.199.255.0/28")
    small = type(rig.driver)(options)
    handle = small.start(uuid4(), single(), deadline=soon())
    try:
        with pytest.raises(LaunchFailed) as caught:
            small.start(uuid4(), single(), deadline=soon())
        assert caught.value.reason == "capacity"
    finally:
        small.stop(handle)
        small.engine.close()
    assert leftovers(rig) == []


def test_a_subnet_taken_in_the_same_moment_is_tried_again(rig, monkeypatch):
    blocker = rig.driver.start(uuid4(), single(), deadline=soon())
    taken = docker_networks.IPv4Network(blocker.networks["lan"].subnet)
    real, asked = docker_networks.choose_subnets, []

    def blind_once(*args, **kwargs):
        asked.append(1)
        return {"lan": taken} if len(asked) == 1 else real(*args, **kwargs)

    monkeypatch.setattr(docker_networks, "choose_subnets", blind_once)
    handle = rig.driver.start(uuid4(), single(), deadline=soon())
    assert len(asked) == 2
    assert handle.networks["lan"].subnet != str(taken)
    assert rig.driver.status(handle) is Status.RUNNING
    rig.driver.stop(handle)
    rig.driver.stop(blocker)


def test_a_launch_that_was_cut_off_is_found_and_replaced(rig):
    sandbox_id = uuid4()
    handle = rig.driver.start(sandbox_id, topology(), deadline=soon())
    with rig.driver.engine.client() as client:
        client.remove_container(container_name(sandbox_id, "desk"), force=True, v=True)
    assert rig.driver.status(handle) is Status.EXITED
    again = rig.driver.start(sandbox_id, topology(), deadline=soon())
    assert rig.driver.status(again) is Status.RUNNING
    rig.driver.stop(again)
    assert leftovers(rig) == []


def test_a_network_without_machines_is_listed_so_that_it_can_be_reaped(rig):
    sandbox_id = uuid4()
    handle = rig.driver.start(sandbox_id, single(), deadline=soon())
    with rig.driver.engine.client() as client:
        client.remove_container(container_name(sandbox_id, "desk"), force=True, v=True)
    orphan = next(h for h in rig.driver.running() if h.sandbox_id == sandbox_id)
    assert not orphan.machines
    assert set(orphan.networks) == {"lan"}
    rig.driver.stop(orphan)
    assert leftovers(rig) == []
    assert rig.driver.status(handle) is Status.GONE


def test_volumes_that_were_left_alone_are_listed_so_that_they_can_be_reaped(rig):
    handle = rig.driver.start(uuid4(), single(), deadline=soon())
    with rig.driver.engine.client() as client:
        client.remove_container(handle.machines["desk"].container_id, force=True, v=False)
        client.remove_network(handle.networks["lan"].network_id)
    alone = next(h for h in rig.driver.running() if h.sandbox_id == handle.sandbox_id)
    assert not alone.machines
    assert not alone.networks
    rig.driver.stop(alone)
    assert leftovers(rig) == []


def test_volumes_of_a_container_somebody_else_removed_go_too(rig):
    handle = rig.driver.start(uuid4(), single(), deadline=soon())
    with rig.driver.engine.client() as client:
        name = container_name(handle.sandbox_id, "desk")
        client.remove_container(name, force=True, v=False)
    assert len(leftovers(rig)) == 4
    rig.driver.stop(handle)
    assert leftovers(rig) == []


def test_two_reapers_at_once_do_not_disturb_each_other(rig):
    from concurrent.futures import ThreadPoolExecutor

    handle = rig.driver.start(uuid4(), topology(), deadline=soon())
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(rig.driver.stop, handle) for _ in range(3)]:
            done.result()
    assert leftovers(rig) == []


def test_seeded_secrets_are_in_no_label_environment_or_representation(rig):
    secret = "FLAG-3f9c"
    asked = single(files=(SeedFile(path="/root/flag", data=secret.encode(), mode=0o600),))
    handle = rig.driver.start(uuid4(), asked, deadline=soon())
    with rig.driver.engine.client() as client:
        told = str(client.inspect_container(container_name(handle.sandbox_id, "desk")))
    assert secret not in told
    assert secret not in repr(asked)
    assert rig.driver.read_file(handle, "desk", "/root/flag") == secret.encode()
    rig.driver.stop(handle)


def test_many_machines_on_several_networks_start_together(rig):
    machines = tuple(
        Machine(name=f"m{n}", image=IMAGE, networks=("a", "b") if n % 2 else ("b", "c"))
        for n in range(5)
    )
    networks = tuple(Network(name=name) for name in "abc")
    handle = rig.driver.start(
        uuid4(), Topology(machines=machines, networks=networks), deadline=soon()
    )
    for name, machine in handle.machines.items():
        told = rig.driver.exec(handle, name, ["hostname", "-I"]).stdout.decode().split()
        assert sorted(told) == sorted(machine.addresses.values())
    rig.driver.stop(handle)
