"""Recordings of verification runs play in asciinema's own players, and show there what we show."""

import os
import pty
import subprocess
import sys
import tty
from pathlib import Path

import pytest

from range.authoring.verification_report import as_text
from range.authoring.verify import Verifier
from range.console import cast
from tests.support.browser import chromium

pytestmark = [
    pytest.mark.docker,
    pytest.mark.browser,
    pytest.mark.slow,
    # Recording every run of the library takes as long as verifying it.
    pytest.mark.timeout(3600 if os.environ.get("MUSTER_TEST_FULL") else 600),
    pytest.mark.xdist_group("recorded-runs"),
]
LIBRARY = Path(__file__).resolve().parents[2] / "scenarios"
VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
PLAYER = VENDOR / "asciinema-player" / "dist" / "bundle"
XTERM = VENDOR / "@xterm" / "xterm"
ASCIINEMA = Path(sys.executable).with_name("asciinema")
# By default the way through a pager, which has the whole screen for a while, and a wrong solution.
RUNS = {"sudo-says": ["reference[way=sudo-pager]", "wrong-half-closed[way=sudo-pager]"]}
if os.environ.get("MUSTER_TEST_FULL"):
    RUNS = {path.name: ["reference", "wrong-"] for path in LIBRARY.iterdir() if path.is_dir()}

# What stands on a terminal of ours once everything is drawn.
OURS = """async ([events, cols, rows]) => {
    const term = new Terminal({ cols, rows, allowProposedApi: true, scrollback: 0 });
    for (const [code, data] of events) {
        if (code === "o") await new Promise((drawn) => term.write(data, drawn));
        else if (code === "r") term.resize(...data.split("x").map(Number));
    }
    const buffer = term.buffer.active;
    return Array.from({ length: term.rows }, (_, at) =>
        buffer.getLine(buffer.baseY + at).translateToString(true).trimEnd());
}"""
THEIRS = """async (data) => {
    document.body.innerHTML = '<div id="stage"></div>';
    const player = AsciinemaPlayer.create({ data }, document.getElementById("stage"), {
        autoPlay: true, speed: 1000, idleTimeLimit: 0.01, fit: false,
    });
    await new Promise((ended) => player.addEventListener("ended", ended));
    await new Promise((painted) => setTimeout(painted, 300));
    return Array.from(document.querySelectorAll(".ap-line"), (line) =>
        line.textContent.replaceAll("\\u00a0", " ").trimEnd());
}"""


@pytest.fixture(scope="module")
def recordings(driver, tmp_path_factory):
    """What verification leaves behind when it is asked to record."""
    folder = tmp_path_factory.mktemp("recorded")
    for slug, names in RUNS.items():
        verifier = Verifier(driver=driver, record_in=folder)
        found = verifier.verify(
            LIBRARY / slug, only=lambda run, names=names: run.label.startswith(tuple(names))
        )
        assert found.passed, as_text(found)
        assert found.runs
    assert list(driver.running()) == []
    return sorted(folder.rglob("*.cast"))


@pytest.fixture(scope="module")
def page():
    with chromium() as browser:
        made = browser.new_page(viewport={"width": 1400, "height": 900})
        made.add_script_tag(path=XTERM / "lib" / "xterm.js")
        made.add_script_tag(path=PLAYER / "asciinema-player.min.js")
        made.add_style_tag(path=PLAYER / "asciinema-player.css")
        yield made


def shown(recording):
    return "".join(event.data for event in recording.events if event.code == "o")


def test_every_run_leaves_recordings_with_its_commands_and_what_they_showed(recordings):
    assert len(recordings) >= 2
    for path in recordings:
        recording = cast.read(path)
        assert recording.header.cols == 100
        assert any(event.code == "m" and "set -e" in event.data for event in recording.events)
    assert any("FLAG{" in shown(cast.read(path)) for path in recordings)


@pytest.mark.enable_socket
def test_they_play_in_asciinema_player_to_the_screen_that_we_show(recordings, page):
    for path in recordings:
        recording = cast.read(path)
        events = [[event.code, event.data] for event in recording.events]
        ours = page.evaluate(OURS, [events, recording.header.cols, recording.header.rows])
        theirs = page.evaluate(THEIRS, path.read_text(encoding="utf-8"))
        assert any(ours)
        assert theirs == ours, path.name


def test_exported_they_play_in_the_command_line_tool(recordings, tmp_path):
    for path in recordings:
        recording = cast.read(path)
        exported = tmp_path / f"{path.parent.name}-{path.name}"
        exported.write_bytes(b"".join(cast.written(recording, version=2)))
        everything = subprocess.run(
            [ASCIINEMA, "cat", exported], capture_output=True, check=True, timeout=60
        )
        assert everything.stdout.decode() == shown(recording)
        assert played(exported) == shown(recording)


def played(path):
    """What `asciinema play` writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    argv = [ASCIINEMA, "play", "-s", "1000", "-i", "0.01", path]
    environment = os.environ | {"TERM": "xterm-256color"}
    # Raw, so that the terminal passes on every byte as it comes.
    tty.setraw(theirs)
    process = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    data = b""
    while chunk := _read(ours):
        data += chunk
    os.close(ours)
    assert process.wait(60) == 0
    return data.decode()


def _read(terminal):
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end has gone
        return b""
