"""The conformance suite of drivers: connections from a peer's place, and consoles."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from range.runtime.driver import ConsoleUnavailable, NoSuchMachine, SandboxGone, Size
from tests.contracts.rigs import single, soon

SIZE = Size(columns=80, rows=24)


async def read_until(console, wanted, *, seconds=30):
    seen = b""
    async with asyncio.timeout(seconds):
        while wanted not in seen:
            piece = await console.read()
            assert piece, f"the console ended before it showed {wanted!r}: {seen!r}"
            seen += piece
    return seen


async def read_to_end(console, *, seconds=30):
    seen = b""
    async with asyncio.timeout(seconds):
        while piece := await console.read():
            seen += piece
    return seen


class ReachContract:
    """How every driver connects to machines as a peer of theirs; `served` has a web server."""

    def test_a_machine_is_asked_over_http_by_its_name(self, rig, served):
        reply = rig.driver.http(served, "lan", "GET", "http://store:8080/index.html")
        assert (reply.status, reply.body) == (200, b"served")

    def test_a_machine_is_asked_by_alias_and_by_address(self, rig, served):
        address = served.machines["store"].addresses["lan"]
        for host in ("files", address):
            reply = rig.driver.http(served, "lan", "GET", f"http://{host}:8080/index.html")
            assert reply.status == 200

    def test_a_closed_port_answers_nothing(self, rig, served):
        assert rig.driver.http(served, "lan", "GET", "http://store:81/") is None

    def test_an_open_port_accepts_a_connection(self, rig, served):
        rig.driver.connect(served, "lan", "store", 8080).close()

    def test_a_closed_port_refuses_a_connection(self, rig, served):
        with pytest.raises(OSError):
            rig.driver.connect(served, "lan", "store", 81)

    def test_a_host_outside_the_sandbox_is_not_connected_to(self, rig, served):
        for host in ("nowhere", "127.0.0.1", "203.0.113.9", "169.254.169.254"):
            with pytest.raises(OSError):
                rig.driver.connect(served, "lan", host, 80)

    def test_a_machine_is_out_of_reach_from_a_network_it_is_not_on(self, rig, served):
        with pytest.raises(OSError):
            rig.driver.connect(served, "vault", "desk", 8080)

    def test_a_network_that_never_was_is_refused(self, rig, served):
        with pytest.raises(NoSuchMachine):
            rig.driver.connect(served, "nowhere", "store", 8080)

    def test_a_gone_sandbox_is_not_a_closed_port(self, rig, served):
        with pytest.raises(SandboxGone):
            rig.driver.connect(replace(served, sandbox_id=uuid4()), "lan", "store", 8080)


class ConsoleContract:
    """How every driver's terminals behave; `rig` and `sandbox` are fixtures."""

    async def test_a_console_shows_a_prompt_of_its_user(self, rig, sandbox):
        console = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="prompt")
        assert b"nobody@desk" in await read_until(console, b"$ ")
        await console.close()

    async def test_what_is_typed_is_echoed(self, rig, sandbox):
        console = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="echo")
        await read_until(console, b"$ ")
        await console.write(b"echo typed-$((1+1))\r")
        await read_until(console, b"echo typed-$((1+1))")
        await console.close()

    async def test_a_closed_console_ends_and_takes_nothing_more(self, rig, sandbox):
        console = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="closed")
        await read_until(console, b"$ ")
        await console.close()
        await read_to_end(console)
        with pytest.raises(SandboxGone):
            await console.write(b"more")
        await console.close()

    async def test_a_second_connection_takes_the_console_over(self, rig, sandbox):
        first = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="taken")
        await read_until(first, b"$ ")
        second = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="taken")
        await read_to_end(first)
        await second.write(b"still here\r")
        await read_until(second, b"still here")
        await first.close()
        await second.close()

    async def test_consoles_of_other_names_are_apart(self, rig, sandbox):
        first = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="one")
        second = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="two")
        await read_until(first, b"$ ")
        await read_until(second, b"$ ")
        await first.write(b"only in one\r")
        await read_until(first, b"only in one")
        await second.close()
        assert b"only in one" not in await read_to_end(second)
        await first.close()

    async def test_resizing_is_accepted_even_too_late(self, rig, sandbox):
        console = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="sized")
        await read_until(console, b"$ ")
        await console.resize(Size(columns=132, rows=50))
        await console.close()
        await console.resize(Size(columns=80, rows=24))

    async def test_killing_consoles_ends_them(self, rig, sandbox):
        console = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="killed")
        await read_until(console, b"$ ")
        await asyncio.to_thread(rig.driver.kill_consoles, sandbox, "desk")
        await read_to_end(console)
        await console.close()

    async def test_one_console_is_killed_and_its_neighbour_stays(self, rig, sandbox):
        kept = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="neighbour")
        # A name that begins like the other's is another console all the same.
        longer = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="doomed-not")
        doomed = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="doomed")
        for console in (kept, longer, doomed):
            await read_until(console, b"$ ")
        for _ in range(2):
            await asyncio.to_thread(rig.driver.kill_consoles, sandbox, "desk", console_id="doomed")
        await read_to_end(doomed)
        for console in (kept, longer):
            await console.write(b"still here\r")
            await read_until(console, b"still here")
        fresh = await rig.driver.open_console(sandbox, "desk", SIZE, console_id="doomed")
        await read_until(fresh, b"$ ")
        for console in (kept, longer, doomed, fresh):
            await console.close()

    async def test_stopping_the_sandbox_ends_its_consoles(self, rig):
        handle = await asyncio.to_thread(rig.driver.start, uuid4(), single(), deadline=soon())
        console = await rig.driver.open_console(handle, "desk", SIZE)
        await read_until(console, b"$ ")
        await asyncio.to_thread(rig.driver.stop, handle)
        await read_to_end(console)
        await console.close()
        with pytest.raises(SandboxGone):
            await rig.driver.open_console(handle, "desk", SIZE)

    async def test_a_machine_without_a_console_refuses_one(self, rig, sandbox):
        with pytest.raises(ConsoleUnavailable):
            await rig.driver.open_console(sandbox, "store", SIZE)

    @pytest.mark.parametrize("name", ["", "../main", "a b", "x" * 33, "UPPER", "a;id"])
    async def test_a_malformed_console_name_is_refused(self, rig, sandbox, name):
        with pytest.raises(ConsoleUnavailable):
            await rig.driver.open_console(sandbox, "desk", SIZE, console_id=name)

    async def test_a_machine_that_never_was_has_no_console(self, rig, sandbox):
        with pytest.raises(NoSuchMachine):
            await rig.driver.open_console(sandbox, "nowhere", SIZE)
