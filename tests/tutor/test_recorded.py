"""Recorded shells of a real machine: commands, redaction and the fold, however the bytes came."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from range.console.redaction import Redactor
from range.console.transcripts import Cutter
from tutor.context import fold, render
from tutor.encodings import disguises, normalise
from tutor.happenings import Happening
from tutor.hints import mirror

RECORDED = Path(__file__).parent / "recorded"
START = datetime(2030, 1, 1, tzinfo=UTC)
SPEC = {
    "objectives": [
        {"key": "root", "title": "Become root and read the flag"},
        {"key": "close", "title": "Close the way"},
    ],
    "estimated_minutes": 30,
}
# Sizes of pieces in which a console may hand over what was shown; 0 is as it came.
PIECES = (0, 1, 7, 61, 4096)


def recording(name):
    found = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return found, [base64.b64decode(each) for each in found["chunks"]]


def happenings(name, *, size=0):
    """Cut a recording into the events that the console role writes, as it does."""
    about, chunks = recording(name)
    data = b"".join(chunks)
    pieces = chunks if not size else [data[at : at + size] for at in range(0, len(data), size)]
    cutter, redactor = Cutter(cols=about["columns"]), Redactor(about["secrets"])
    commands = [command for piece in pieces for command in cutter.feed(piece, 0)]
    commands += cutter.finish(0)
    return [
        happened(number, command, redactor) for number, command in enumerate(commands, start=1)
    ], about


def happened(number, command, redactor):
    digest = command.output.digest(redactor)
    return Happening(
        seq=number,
        at=START + timedelta(seconds=20 * number),
        kind="console.command",
        payload={
            "number": number,
            "machine": "desk",
            "text": redactor.redact(command.text),
            "exit": command.exit_code,
            "digest": {"first": digest.first, "last": digest.last},
            "error_class": command.output.error_class(command.exit_code),
        },
    )


def state(name, *, size=0):
    events, _ = happenings(name, size=size)
    return fold(events, SPEC, "root", now=START + timedelta(minutes=25))


@pytest.mark.parametrize("name", ["stuck", "solved"])
@pytest.mark.parametrize("size", PIECES)
def test_the_state_of_a_recording_is_the_golden_one(name, size):
    golden = (RECORDED / f"{name}.txt").read_text(encoding="utf-8")
    assert render(state(name, size=size)) + "\n" == golden


@pytest.mark.parametrize("size", PIECES)
def test_no_form_of_the_flag_gets_from_the_bytes_into_an_event(size):
    events, about = happenings("solved", size=size)
    shown = b"".join(recording("solved")[1]).decode()
    everything = normalise(json.dumps([event.payload for event in events], default=str))
    for value in about["secrets"]:
        # The recording shows it plain, so that its absence from the events means something.
        assert value in shown
        assert not any(form in everything for form in disguises(value))


def test_whoever_ran_into_the_same_wall_is_stuck_and_whoever_went_on_is_not():
    assert state("stuck").stuck > 0.6 > state("solved").stuck


def test_the_mirror_holds_what_worked_against_what_did_not():
    asked = mirror(state("stuck"))
    assert "`ls -ld /root`, worked" in asked
    assert "`cat /root/flag.txt`, did not" in asked
