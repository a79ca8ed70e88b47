"""The conformance suite of drivers: lifecycle, programs and files."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from uuid import uuid4

import pytest

from range.runtime.driver import (
    FileTooLarge,
    Handle,
    LaunchFailed,
    NoSuchMachine,
    SandboxGone,
    Status,
)
from tests.contracts.rigs import single, soon, topology


class LifecycleContract:
    """How every driver starts, tells of and stops sandboxes; `rig` and `sandbox` are fixtures."""

    def test_a_handle_survives_being_stored_as_json(self, sandbox):
        stored = json.loads(json.dumps(sandbox.to_json()))
        assert Handle.from_json(stored) == sandbox

    def test_a_started_sandbox_runs(self, rig, sandbox):
        assert rig.driver.status(sandbox) is Status.RUNNING

    def test_the_handle_carries_the_drivers_name(self, rig, sandbox):
        assert sandbox.driver == rig.driver.name

    def test_every_machine_has_an_address_of_its_own_on_each_network(self, sandbox):
        assert set(sandbox.machines["store"].addresses) == {"lan", "vault"}
        found = [
            (ip_address(address), ip_network(sandbox.networks[network].subnet))
            for machine in sandbox.machines.values()
            for network, address in machine.addresses.items()
        ]
        assert all(address in subnet for address, subnet in found)
        assert len({address for address, _ in found}) == 3

    def test_networks_of_a_sandbox_do_not_overlap(self, sandbox):
        lan, vault = (ip_network(network.subnet) for network in sandbox.networks.values())
        assert not lan.overlaps(vault)

    def test_seeded_files_are_there_with_mode_and_owner(self, rig, sandbox):
        found = rig.driver.stat(sandbox, "desk", "/opt/case/brief.txt")
        assert (found.mode, found.uid, found.gid, found.size_bytes) == (0o640, 65534, 65534, 6)

    def test_seeded_files_in_memory_folders_are_there_too(self, rig, sandbox):
        assert rig.driver.read_file(sandbox, "desk", "/tmp/note") == b"in memory"

    def test_set_up_commands_have_run(self, rig, sandbox):
        assert rig.setup_ran(sandbox, "desk")

    def test_progress_is_told_in_the_thread_that_started(self, rig):
        told = []

        def progress(step, detail):
            told.append((step, detail, threading.get_ident()))

        handle = rig.driver.start(uuid4(), single(), deadline=soon(), progress=progress)
        rig.driver.stop(handle)
        assert {"network", "machine", "healthy"} <= {step for step, _, _ in told}
        assert {thread for _, _, thread in told} == {threading.get_ident()}

    def test_a_missing_image_is_named_and_nothing_is_left(self, rig):
        sandbox_id = uuid4()
        with pytest.raises(LaunchFailed) as failure:
            rig.driver.start(sandbox_id, single(image="range/none:missing"), deadline=soon())
        assert failure.value.reason == "image-missing"
        assert failure.value.retryable
        assert sandbox_id not in {handle.sandbox_id for handle in rig.driver.running()}

    def test_a_passed_deadline_starts_nothing(self, rig):
        sandbox_id = uuid4()
        with pytest.raises(LaunchFailed) as failure:
            rig.driver.start(sandbox_id, single(), deadline=soon(-1))
        assert failure.value.reason == "deadline"
        assert sandbox_id not in {handle.sandbox_id for handle in rig.driver.running()}

    def test_a_second_start_replaces_what_the_first_left(self, rig):
        sandbox_id = uuid4()
        first = rig.driver.start(sandbox_id, single(), deadline=soon())
        rig.driver.put_file(first, "desk", "/opt/from-the-first", b"x")
        second = rig.driver.start(sandbox_id, single(), deadline=soon())
        found = [h for h in rig.driver.running() if h.sandbox_id == sandbox_id]
        assert len(found) == 1
        assert rig.driver.read_file(second, "desk", "/opt/from-the-first") is None
        rig.driver.stop(second)

    def test_what_is_prepared_holds_nothing_of_an_attempt(self, rig):
        handle = rig.driver.prepare(uuid4(), topology(), deadline=soon())
        assert rig.driver.stat(handle, "desk", "/opt/case/brief.txt") is None
        assert not rig.setup_ran(handle, "desk")
        assert handle.sandbox_id in {found.sandbox_id for found in rig.driver.running()}
        rig.driver.stop(handle)
        assert handle.sandbox_id not in {found.sandbox_id for found in rig.driver.running()}

    def test_a_prepared_sandbox_starts_as_any_other(self, rig):
        prepared = rig.driver.prepare(uuid4(), topology(), deadline=soon())
        handle = rig.driver.start(
            prepared.sandbox_id, topology(), deadline=soon(), prepared=prepared
        )
        assert rig.driver.status(handle) is Status.RUNNING
        assert handle.networks == prepared.networks
        assert rig.driver.read_file(handle, "desk", "/opt/case/brief.txt") == b"seeded"
        assert rig.driver.read_file(handle, "desk", "/tmp/note") == b"in memory"
        assert rig.setup_ran(handle, "desk")
        assert len([h for h in rig.driver.running() if h.sandbox_id == handle.sandbox_id]) == 1
        rig.driver.stop(handle)

    def test_what_was_prepared_and_is_gone_is_made_anew(self, rig):
        prepared = rig.driver.prepare(uuid4(), topology(), deadline=soon())
        rig.driver.stop(prepared)
        handle = rig.driver.start(
            prepared.sandbox_id, topology(), deadline=soon(), prepared=prepared
        )
        assert rig.driver.status(handle) is Status.RUNNING
        assert rig.driver.read_file(handle, "desk", "/opt/case/brief.txt") == b"seeded"
        rig.driver.stop(handle)

    def test_what_was_prepared_without_any_file_and_is_gone_is_made_anew_too(self, rig):
        prepared = rig.driver.prepare(uuid4(), single(), deadline=soon())
        rig.driver.stop(prepared)
        handle = rig.driver.start(prepared.sandbox_id, single(), deadline=soon(), prepared=prepared)
        assert rig.driver.status(handle) is Status.RUNNING
        rig.driver.stop(handle)

    def test_preparing_from_a_missing_image_leaves_nothing(self, rig):
        sandbox_id = uuid4()
        with pytest.raises(LaunchFailed) as failure:
            rig.driver.prepare(sandbox_id, single(image="range/none:missing"), deadline=soon())
        assert failure.value.reason == "image-missing"
        assert sandbox_id not in {handle.sandbox_id for handle in rig.driver.running()}

    def test_files_and_set_up_make_no_other_shape_but_machines_do(self, rig):
        plain, other = topology(), topology(image="range/other:1")
        bare = replace(
            plain, machines=tuple(replace(m, files=(), setup=()) for m in plain.machines)
        )
        assert rig.driver.shape(plain) == rig.driver.shape(topology())
        assert rig.driver.shape(plain) == rig.driver.shape(bare)
        assert rig.driver.shape(plain) != rig.driver.shape(other)
        more = replace(plain.machines[0], environment={"A": "1"})
        changed = replace(plain, machines=(more, *plain.machines[1:]))
        assert rig.driver.shape(plain) != rig.driver.shape(changed)

    def test_a_stopped_sandbox_is_gone(self, rig):
        handle = rig.driver.start(uuid4(), single(), deadline=soon())
        rig.driver.stop(handle)
        assert rig.driver.status(handle) is Status.GONE
        assert handle.sandbox_id not in {found.sandbox_id for found in rig.driver.running()}
        with pytest.raises(SandboxGone):
            rig.driver.exec(handle, "desk", ["true"])
        with pytest.raises(SandboxGone):
            rig.driver.read_file(handle, "desk", "/etc/passwd")
        rig.driver.stop(handle)

    def test_stopping_what_never_was_is_success(self, rig, sandbox):
        rig.driver.stop(replace(sandbox, sandbox_id=uuid4()))
        assert rig.driver.status(sandbox) is Status.RUNNING

    def test_running_yields_handles_that_work(self, rig, sandbox):
        found = next(h for h in rig.driver.running() if h.sandbox_id == sandbox.sandbox_id)
        assert found == sandbox

    def test_another_installation_does_not_see_it(self, rig, sandbox):
        assert sandbox.sandbox_id not in {found.sandbox_id for found in rig.other.running()}

    def test_one_ended_machine_ends_the_sandbox(self, rig):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        rig.exit_machine(handle, "store")
        assert rig.driver.status(handle) is Status.EXITED
        rig.driver.stop(handle)

    def test_pausing_and_resuming_may_be_repeated(self, rig):
        handle = rig.driver.start(uuid4(), single(), deadline=soon())
        rig.driver.pause(handle)
        rig.driver.pause(handle)
        assert rig.driver.status(handle) is Status.PAUSED
        rig.driver.resume(handle)
        rig.driver.resume(handle)
        assert rig.driver.status(handle) is Status.RUNNING
        rig.driver.stop(handle)

    def test_a_machine_held_still_is_looked_at_and_goes_on(self, rig, sandbox):
        with rig.driver.held_still(sandbox, "desk"):
            assert rig.driver.status(sandbox) is Status.RUNNING
            assert rig.driver.read_file(sandbox, "desk", "/opt/case/brief.txt") == b"seeded"
        with pytest.raises(NoSuchMachine), rig.driver.held_still(sandbox, "nobody"):
            pass

    def test_a_halted_machine_has_ended_and_the_others_run(self, rig):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        rig.driver.halt(handle, "desk")
        rig.driver.halt(handle, "desk")
        ours = [look for look in rig.driver.survey() if look.sandbox_id == handle.sandbox_id]
        assert {look.machine: look.is_running for look in ours} == {"desk": False, "store": True}
        fresh = rig.driver.reset(handle, "desk", topology=topology(), deadline=soon())
        assert rig.driver.status(fresh) is Status.RUNNING
        rig.driver.stop(fresh)

    def test_an_ended_machine_keeps_nobody_from_pausing_the_others(self, rig):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        rig.driver.halt(handle, "desk")
        rig.driver.pause(handle)
        rig.driver.resume(handle)
        assert rig.driver.exec(handle, "store", ["true"]).exit_code == 0
        rig.driver.stop(handle)

    def test_a_reset_machine_is_fresh_and_the_others_are_untouched(self, rig):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        rig.driver.put_file(handle, "desk", "/opt/case/brief.txt", b"changed")
        rig.driver.put_file(handle, "store", "/opt/kept", b"kept")
        fresh = rig.driver.reset(handle, "desk", topology=topology(), deadline=soon())
        assert rig.driver.read_file(fresh, "desk", "/opt/case/brief.txt") == b"seeded"
        assert rig.driver.read_file(fresh, "store", "/opt/kept") == b"kept"
        assert fresh.machines["desk"].addresses == handle.machines["desk"].addresses
        assert rig.driver.status(fresh) is Status.RUNNING
        # A handle somebody still holds goes on working.
        assert rig.driver.read_file(handle, "desk", "/opt/case/brief.txt") == b"seeded"
        rig.driver.stop(fresh)

    def test_events_tell_of_starts_and_ends(self, rig):
        since = datetime.now(UTC)
        handle = rig.driver.start(uuid4(), single(), deadline=soon())
        rig.exit_machine(handle, "desk")
        events = list(rig.driver.events(since, until=datetime.now(UTC) + timedelta(seconds=0.2)))
        ours = [event for event in events if event.sandbox_id == handle.sandbox_id]
        assert [event.kind for event in ours][:2] == ["started", "exited"]
        assert all(event.at >= since and event.machine == "desk" for event in ours)
        assert {e.container_id for e in ours} == {handle.machines["desk"].container_id}
        rig.driver.stop(handle)

    def test_usage_tells_of_every_machine(self, rig, sandbox):
        usage = rig.driver.usage(sandbox)
        assert set(usage.machines) == {"desk", "store"}
        assert all(machine.memory_bytes > 0 for machine in usage.machines.values())

    def test_a_survey_tells_of_every_machine_of_this_installation(self, rig, sandbox):
        ours = [look for look in rig.driver.survey() if look.sandbox_id == sandbox.sandbox_id]
        assert {look.machine: look.container_id for look in ours} == {
            name: machine.container_id for name, machine in sandbox.machines.items()
        }
        assert all(look.is_running and not look.disk_bytes for look in ours)
        assert rig.other.survey() == []

    def test_a_survey_tells_which_machine_ended(self, rig):
        handle = rig.driver.start(uuid4(), topology(), deadline=soon())
        rig.exit_machine(handle, "store")
        ours = [look for look in rig.driver.survey() if look.sandbox_id == handle.sandbox_id]
        assert {look.machine: look.is_running for look in ours} == {"desk": True, "store": False}
        rig.driver.stop(handle)


class ProgramsAndFilesContract:
    """How every driver runs programs and handles files inside a machine."""

    def test_a_program_tells_its_output_and_exit_code(self, rig, sandbox):
        result = rig.driver.exec(sandbox, "desk", ["echo", "a b", "$HOME"])
        assert (result.exit_code, result.stdout) == (0, b"a b $HOME\n")
        assert rig.driver.exec(sandbox, "desk", ["false"]).exit_code == 1

    def test_a_missing_program_is_a_result(self, rig, sandbox):
        assert rig.driver.exec(sandbox, "desk", ["no-such-program"]).exit_code in {126, 127}

    def test_a_program_is_ended_at_its_time_out(self, rig, sandbox):
        result = rig.driver.exec(
            sandbox, "desk", ["sleep", "600"], timeout=timedelta(milliseconds=300)
        )
        assert result.timed_out
        assert result.exit_code == 137
        assert not [p for p in rig.driver.processes(sandbox, "desk") if p.argv == ("sleep", "600")]

    def test_a_machine_that_never_was_is_refused(self, rig, sandbox):
        with pytest.raises(NoSuchMachine):
            rig.driver.exec(sandbox, "nowhere", ["true"])
        with pytest.raises(NoSuchMachine):
            rig.driver.read_file(sandbox, "nowhere", "/etc/passwd")

    def test_a_file_that_was_put_is_read_back(self, rig, sandbox):
        data = bytes(range(256)) * 5
        rig.driver.put_file(sandbox, "desk", "/opt/put", data, mode=0o600, uid=7, gid=8)
        assert rig.driver.read_file(sandbox, "desk", "/opt/put") == data
        found = rig.driver.stat(sandbox, "desk", "/opt/put")
        assert (found.mode, found.uid, found.gid, found.size_bytes) == (0o600, 7, 8, 1280)

    def test_putting_a_file_makes_the_folders_above_it(self, rig, sandbox):
        rig.driver.put_file(sandbox, "desk", "/opt/a/b/c", b"deep")
        folder = rig.driver.stat(sandbox, "desk", "/opt/a/b")
        assert folder.is_directory
        assert folder.mode == 0o755

    def test_putting_a_file_replaces_it(self, rig, sandbox):
        for content in (b"long content", b"short"):
            rig.driver.put_file(sandbox, "desk", "/opt/replaced", content)
        assert rig.driver.read_file(sandbox, "desk", "/opt/replaced") == b"short"

    def test_a_missing_file_is_none(self, rig, sandbox):
        assert rig.driver.read_file(sandbox, "desk", "/opt/nothing/here") is None
        assert rig.driver.stat(sandbox, "desk", "/opt/nothing/here") is None

    def test_a_folder_is_no_file_to_read(self, rig, sandbox):
        assert rig.driver.read_file(sandbox, "desk", "/opt/case") is None

    def test_a_relative_path_is_no_file(self, rig, sandbox):
        assert rig.driver.read_file(sandbox, "desk", "opt/case/brief.txt") is None

    def test_a_file_beyond_the_limit_is_refused(self, rig, sandbox):
        rig.driver.put_file(sandbox, "desk", "/opt/large", b"x" * 101)
        with pytest.raises(FileTooLarge):
            rig.driver.read_file(sandbox, "desk", "/opt/large", limit_bytes=100)
        assert rig.driver.read_file(sandbox, "desk", "/opt/large", limit_bytes=101)

    def test_a_folder_is_listed_with_what_lies_below(self, rig, sandbox):
        for name in ("one", "sub/two"):
            rig.driver.put_file(sandbox, "desk", f"/opt/listed/{name}", name.encode())
        found = {f.path: f for f in rig.driver.list_files(sandbox, "desk", "/opt/listed")}
        assert set(found) == {"/opt/listed/one", "/opt/listed/sub", "/opt/listed/sub/two"}
        assert found["/opt/listed/sub"].is_directory
        assert found["/opt/listed/sub/two"].size_bytes == 7

    def test_a_listing_stops_at_its_limit(self, rig, sandbox):
        for number in range(5):
            rig.driver.put_file(sandbox, "desk", f"/opt/many/{number}", b"")
        assert len(rig.driver.list_files(sandbox, "desk", "/opt/many", limit=3)) == 3

    def test_a_missing_folder_lists_nothing(self, rig, sandbox):
        assert rig.driver.list_files(sandbox, "desk", "/opt/nothing") == []
