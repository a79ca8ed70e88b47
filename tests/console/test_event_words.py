from types import SimpleNamespace

import pytest

from range.console.event_words import label, note

TITLES = {"escalate": "Become root"}


def event(kind, **payload):
    return SimpleNamespace(kind=kind, payload=payload)


@pytest.mark.parametrize(
    ("happened", "says", "adds"),
    [
        (
            event("console.command", text="id", machine="desk", exit=0),
            "id",
            "desk, succeeded",
        ),
        (event("console.command", text="x", machine="desk", exit=127), "x", "desk, exit code 127"),
        (event("console.command", machine="desk"), "A command whose text was erased", None),
        (
            event("evidence.recorded", objective="escalate", check="no-rule", outcome="MET"),
            "Check met",
            "no rule, Become root",
        ),
        (
            event("evidence.recorded", objective="gone", outcome="UNMET", reason="file-there"),
            "Check not met",
            "gone",
        ),
        (event("evidence.recorded", outcome="NEW"), "Check judged", ""),
        (
            event("hint.unlocked", objective="escalate", rung=0),
            "Rung of help unlocked",
            "rung 0, Become root",
        ),
        (event("sandbox.failed", reason="image-missing"), None, "the image of a machine was gone"),
        (event("sandbox.failed", reason="quite-new"), None, "quite new"),
        (
            event("console.command", text="id", machine="desk", exit=0, typed_by=["Ines Weber"]),
            "id",
            "desk, succeeded, typed with Ines Weber",
        ),
        (
            event("console.looked_at", person="Ines Weber", machine="desk", console="main"),
            "Somebody looked at the screen",
            "desk, Ines Weber",
        ),
        (
            event("console.looked_at", person="Ines Weber", wall=True),
            None,
            "small on a wall, Ines Weber",
        ),
        (
            event("console.message", person="Ines Weber", machine="desk", text="Go on."),
            "A message from an instructor",
            "desk, Ines Weber, “Go on.”",
        ),
        (event("something.quite_new"), "Something quite new", ""),
    ],
)
def test_an_event_is_told_in_words(happened, says, adds):
    if says is not None:
        assert label(happened) == says
    if adds is not None:
        assert note(happened, TITLES) == adds


def test_no_payload_breaks_the_words():
    odd = event("hint.asked", objective=["x"], rung={}, check=3, reason=["y"])
    assert label(odd) == "Hint asked for"
    assert note(odd, TITLES) == "rung {}, 3, ['x'], ['y']"
