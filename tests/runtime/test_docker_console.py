"""Consoles in real machines: what survives a lost connection, and what is left of it."""

import asyncio
import re
from uuid import uuid4

import pytest

from range.runtime.driver import Size
from range.runtime.topology import Console, Machine, Network, SeedFile, Topology
from tests.contracts.driver_reach import read_to_end, read_until
from tests.contracts.rigs import IMAGE, DockerRig, soon

pytestmark = [pytest.mark.docker, pytest.mark.enable_socket]

SIZE = Size(columns=100, rows=30)
HOLDER = "/usr/local/lib/range/console-hold"
READY = b"\x1b]133;B\x07"


@pytest.fixture(scope="module")
def rig():
    made = DockerRig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sandbox(rig):
    desk = Machine(
        name="desk",
        image=IMAGE,
        networks=("lan",),
        console=Console(user="analyst"),
        setup=(("useradd", "-m", "-s", "/bin/bash", "analyst"),),
    )
    bare = Machine(
        name="bare",
        image=IMAGE,
        networks=("lan",),
        console=Console(user="root"),
        setup=(("rm", HOLDER),),
    )
    asked = Topology(machines=(desk, bare), networks=(Network(name="lan"),))
    return rig.driver.start(uuid4(), asked, deadline=soon())


async def until(condition):
    """Wait for something that comes on the slowest machine, too."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def stands_still(rig, sandbox):
    """Wait until for a second next to nothing is computed in the machine."""
    async with asyncio.timeout(60):
        used = rig.driver.usage(sandbox).machines["desk"].cpu_seconds
        while True:
            await asyncio.sleep(1)
            before, used = used, rig.driver.usage(sandbox).machines["desk"].cpu_seconds
            if used - before < 0.1:
                return


@pytest.fixture
async def opened(rig, sandbox):
    consoles = []

    async def opened(console_id, *, machine="desk", size=SIZE):
        console = await rig.driver.open_console(sandbox, machine, size, console_id=console_id)
        consoles.append(console)
        return console

    yield opened
    for console in consoles:
        await console.close()


async def run(console, line):
    """Type a line; return what came between the start of its output and the next prompt."""
    await console.write(line.encode() + b"\r")
    seen, started = b"", b"\x1b]133;C\x07"
    async with asyncio.timeout(30):
        while READY not in seen.partition(started)[2]:
            piece = await console.read()
            assert piece, f"the console ended: {seen!r}"
            seen += piece
    return seen.partition(started)[2]


def clients(rig, sandbox, name):
    processes = rig.driver.processes(sandbox, "desk")
    return [p for p in processes if p.executable == HOLDER and f"-{name}.sock" in p.argv[1]]


async def test_prompts_commands_and_exit_codes_are_marked(opened):
    console = await opened("marks")
    first = await read_until(console, READY)
    assert b"\x1b]133;A;cwd=/home/analyst\x07" in first
    assert b"133;D" not in first
    output = await run(console, "cd /etc && false")
    assert b"\x1b]133;D;1\x07\x1b]133;A;cwd=/etc\x07" in output
    assert b"\x1b]133;D;0\x07" in await run(console, "true")


async def test_an_empty_line_is_no_command(opened):
    console = await opened("empty")
    await read_until(console, READY)
    await console.write(b"\r")
    assert b"133;D" not in await read_until(console, READY)


async def test_marks_survive_becoming_another_account(opened):
    console = await opened("su", machine="bare")
    await read_until(console, READY)
    await console.write(b"su -\r")
    await read_until(console, READY)
    assert b"\x1b]133;D;3\x07" in await run(console, "(exit 3)")


async def test_a_personal_prompt_keeps_its_marks(rig, sandbox, opened):
    rig.driver.put_file(sandbox, "bare", "/root/.bashrc", b"PS1='mine> '\nPS0=\n")
    console = await opened("personal", machine="bare")
    await console.write(b". /root/.bashrc\r")
    await read_until(console, b"mine> " + READY)
    assert b"\x1b]133;D;0\x07" in await run(console, "true")


async def test_hostile_folder_names_cannot_forge_marks(opened):
    console = await opened("forge")
    await read_until(console, READY)
    await run(console, r"mkdir -p $'/tmp/a\a\e]133;D;0\a;b'")
    output = await run(console, r"cd $'/tmp/a\a\e]133;D;0\a;b'; false")
    marks = re.findall(rb"\x1b\]133;A;cwd=([^\x07]*)\x07", output)
    assert marks == [b"/tmp/a??]133?D?0??b"]


async def test_scripts_see_nothing_of_the_marks(rig, sandbox):
    for argv in (["bash", "-c", "echo x"], ["bash", "-lc", "echo x"], ["sh", "-lc", "echo x"]):
        assert rig.driver.exec(sandbox, "desk", argv).stdout == b"x\n"


async def test_the_terminal_is_what_programs_expect(opened):
    console = await opened("expect")
    await read_until(console, READY)
    output = await run(console, "echo $TERM $LANG $USER $HOME; tty; id -un; stty size")
    for wanted in (b"xterm-256color C.UTF-8 analyst /home/analyst", b"/dev/pts/", b"30 100"):
        assert wanted in output


async def test_no_keys_are_kept_for_the_engine(opened):
    console = await opened("keys")
    await read_until(console, READY)
    await run(console, "echo one")
    await console.write(b"\x10")
    await read_until(console, b"echo one")
    # Its default would leave the terminal now.
    await console.write(b"\x11")
    assert b"and on" in await run(console, "; echo and on")


async def test_a_new_size_reaches_programs(opened):
    console = await opened("size")
    await read_until(console, READY)
    await console.resize(Size(columns=77, rows=11))
    await run(console, 'until [ "$(stty size)" = "11 77" ]; do sleep 0.1; done')


async def test_a_reconnected_console_is_the_same_shell(opened):
    first = await opened("again")
    await read_until(first, READY)
    await run(first, "remembered=yes; cd /var")
    await first.close()
    second = await opened("again", size=Size(columns=90, rows=20))
    assert b"remembered yes /var 20 90" in await run(
        second, 'echo "remembered $remembered $PWD $(stty size)"'
    )


async def test_a_program_goes_on_while_nobody_is_connected(rig, sandbox, opened):
    first = await opened("long")
    await read_until(first, READY)
    await first.write(b"sleep 0.5; touch /tmp/went-on\r")
    await read_until(first, b"133;C")
    await first.close()
    await until(lambda: rig.driver.stat(sandbox, "desk", "/tmp/went-on"))
    second = await opened("long")
    assert b"went-on" in await run(second, "ls /tmp")


async def test_a_closed_console_leaves_only_its_holder(rig, sandbox, opened):
    console = await opened("holder")
    await read_until(console, READY)
    assert len(clients(rig, sandbox, "holder")) == 2
    await console.close()
    await until(lambda: len(clients(rig, sandbox, "holder")) == 1)


async def test_a_connection_that_just_vanished_is_cleared_by_the_next(rig, sandbox, opened):
    for _ in range(3):
        console = await opened("vanished")
        await console.write(b"\r")
        await read_until(console, READY)
        # A killed console role: the socket closes, and nobody says good-bye.
        console._closed = True
        console._writer.close()
    last = await opened("vanished")
    await run(last, "true")
    await until(lambda: len(clients(rig, sandbox, "vanished")) == 2)


async def test_killing_consoles_leaves_no_holder_and_no_shell(rig, sandbox, opened):
    console = await opened("doomed")
    await read_until(console, READY)
    await asyncio.to_thread(rig.driver.kill_consoles, sandbox, "desk")
    await read_to_end(console)

    def left():
        return {p.executable for p in rig.driver.processes(sandbox, "desk") if p.uid != 0}

    await until(lambda: not {HOLDER, "/usr/bin/bash"} & left())
    again = await opened("doomed")
    await read_until(again, READY)


async def test_killing_one_console_ends_what_ran_in_it(rig, sandbox, opened):
    kept = await opened("stays")
    doomed = await opened("lone")
    for console in (kept, doomed):
        await read_until(console, READY)
    await doomed.write(b"sleep 4321\r")
    await read_until(doomed, b"133;C")
    await doomed.close()
    await asyncio.to_thread(rig.driver.kill_consoles, sandbox, "desk", console_id="lone")

    def left():
        found = [p.argv for p in rig.driver.processes(sandbox, "desk")]
        return [argv for argv in found if "4321" in argv or any("lone" in each for each in argv)]

    await until(lambda: not left())
    assert b"kept" in await run(kept, "echo kept")


@pytest.mark.timeout(400)
async def test_what_a_shell_was_just_starting_ends_with_its_console(rig, sandbox, opened):
    for number in range(30):
        doomed = await opened(f"starting-{number}")
        await read_until(doomed, READY)
        await doomed.write(f"sleep 54{number:02}\r".encode())
        # The shell says so before it starts what was typed.
        await read_until(doomed, b"133;C")
        await doomed.close()
        kill = rig.driver.kill_consoles
        await asyncio.to_thread(kill, sandbox, "desk", console_id=f"starting-{number}")
    await until(
        lambda: (
            not any("sleep 54" in " ".join(p.argv) for p in rig.driver.processes(sandbox, "desk"))
        )
    )


async def test_where_no_process_can_be_signalled_the_machine_ends_the_console(
    rig, sandbox, opened, monkeypatch
):
    monkeypatch.setattr("range.runtime.host_processes.can_signal", lambda: False)
    monkeypatch.setattr("range.runtime.host_processes.kill", lambda *_, **__: False)
    kept, doomed = await opened("kept-too"), await opened("doomed-too")
    for console in (kept, doomed):
        await read_until(console, READY)
    await asyncio.to_thread(rig.driver.kill_consoles, sandbox, "desk", console_id="doomed-too")
    await read_to_end(doomed)
    await until(lambda: clients(rig, sandbox, "doomed-too") == [])
    assert b"kept" in await run(kept, "echo kept")


async def test_without_a_holder_there_is_still_a_shell(opened):
    console = await opened("plain", machine="bare")
    await read_until(console, READY)
    assert b"root" in await run(console, "id -un")


async def test_every_byte_passes_unchanged(rig, sandbox, opened):
    data = bytes(range(256)) * 40
    rig.driver.put_file(sandbox, "desk", "/opt/bytes", data)
    console = await opened("bytes")
    await read_until(console, READY)
    await console.write(b"stty -opost; cat /opt/bytes; stty opost\r")
    seen = await read_until(console, b"133;D")
    assert data in seen


async def test_a_reader_that_stalls_stops_the_flood(rig, sandbox, opened):
    console = await opened("flood")
    await read_until(console, READY)
    await console.write(b"yes $(head -c 200 /dev/zero | tr '\\0' y)\r")
    await read_until(console, b"133;C")
    await stands_still(rig, sandbox)
    await console.write(b"\x03")
    await read_until(console, b"133;D;130")


async def test_what_is_typed_in_one_go_arrives_whole(rig, sandbox, opened):
    console = await opened("paste")
    await read_until(console, READY)
    await console.write(b"cat > /tmp/pasted <<'END'\r")
    text = "".join(f"line {number} {'x' * 60}\n" for number in range(500))
    for start in range(0, len(text), 2000):
        await console.write(text[start : start + 2000].replace("\n", "\r").encode())
        await asyncio.sleep(0.02)
    await console.write(b"END\r")
    await read_until(console, b"133;D")
    assert rig.driver.read_file(sandbox, "desk", "/tmp/pasted") == text.encode()


async def test_a_paste_nobody_reads_does_not_stop_the_output(opened):
    console = await opened("unread")
    await read_until(console, READY)
    await console.write(b"stty -echo; (sleep 1; echo still-printing) & sleep 3\r")
    await read_until(console, b"133;C")
    typing = asyncio.create_task(console.write(b"x" * 300_000))
    await read_until(console, b"still-printing")
    typing.cancel()


async def test_leaving_the_shell_ends_the_console_and_the_next_is_fresh(rig, sandbox, opened):
    console = await opened("left")
    await read_until(console, READY)
    await console.write(b"sleep 60 & echo last-words; exit\r")
    assert b"last-words" in await read_to_end(console)
    await until(lambda: clients(rig, sandbox, "left") == [])
    again = await opened("left")
    await read_until(again, READY)
    assert b"133;D;0" in await run(again, "true")


async def test_a_console_survives_a_pause(rig, sandbox, opened):
    console = await opened("pause")
    await read_until(console, READY)
    await asyncio.to_thread(rig.driver.pause, sandbox)
    await asyncio.to_thread(rig.driver.resume, sandbox)
    assert b"back" in await run(console, "echo back")


async def test_a_seeded_profile_is_read(rig, sandbox, opened):
    file = SeedFile(path="/home/analyst/.bash_profile", data=b"export FROM_PROFILE=yes\n")
    rig.driver.put_file(sandbox, "desk", file.path, file.data)
    console = await opened("profile")
    await read_until(console, READY)
    assert b"yes" in await run(console, "echo $FROM_PROFILE")
