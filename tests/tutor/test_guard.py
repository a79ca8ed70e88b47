"""The guard: a value in any dress, the reference, the rungs above, the prompt; and no more."""

import base64
import codecs
import random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.guard import Guard
from tutor.withheld import Withheld

FLAG = "FLAG{MVXHIZLSAABQ3XKHTW7YNTKBL4Z6CQHE2TDPAJRM}"
PASSWORD = "tR4verse-Kettle"
WITHHELD = Withheld(
    secrets={FLAG: "[flag]", PASSWORD: "[password]", "4821": "[pin]"},
    reference=("sudo less /var/log/daybook.log", "!cat /root/flag.txt", "visudo --strict"),
    above=("Type an exclamation mark and a command while the pager shows the file.",),
)
PROMPT = "You are the tutor of a cyber range and you help one trainee to find the next step alone."


@pytest.fixture
def guard():
    return Guard(WITHHELD, allowed=[], prompt=PROMPT)


def spelled(text):
    return " ".join(text)


DRESSES = {
    "plain": lambda v: v,
    "lower": str.lower,
    "upper": str.upper,
    "reversed": lambda v: v[::-1],
    "rot13": lambda v: codecs.encode(v, "rot13"),
    "hex": lambda v: v.encode().hex(),
    "hex-upper": lambda v: v.encode().hex().upper(),
    "hex-colons": lambda v: ":".join(f"{byte:02x}" for byte in v.encode()),
    "hex-escapes": lambda v: "".join(f"\\x{byte:02x}" for byte in v.encode()),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "base64-url": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
    "base64-offset-1": lambda v: base64.b64encode(b"x" + v.encode()).decode(),
    "base64-offset-2": lambda v: base64.b64encode(b"xy" + v.encode()).decode(),
    "base64-reversed": lambda v: base64.b64encode(v[::-1].encode()).decode(),
    "base32": lambda v: base64.b32encode(v.encode()).decode(),
    "url": quote,
    "url-all": lambda v: "".join(f"%{byte:02X}" for byte in v.encode()),
    "spaced": spelled,
    "dashed": "-".join,
    "dotted": ".".join,
    "bold": lambda v: "".join(f"**{c}**" for c in v),
    "full-width": lambda v: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in v),
}


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("value", [FLAG, PASSWORD])
def test_a_secret_is_known_in_every_dress(guard, dress, value):
    verdict = guard.check(f"Try this: {DRESSES[dress](value)} and go on.")
    assert not verdict.ok
    assert verdict.reason in {"secret", "flag-shape", "encoded"}


def test_part_of_a_flag_is_enough(guard):
    assert guard.check(f"It begins with {FLAG[5:18]}").reason == "secret"


def test_a_secret_cut_in_two_by_a_sentence_is_found(guard):
    assert guard.check(f"It begins like {PASSWORD[:8]}.").ok
    assert guard.check(f"{PASSWORD[8:]} is how it goes on.").reason == "secret"


def test_somebody_elses_flag_is_found_by_its_shape(guard):
    assert guard.check("Maybe flag{ABCDEFGH234567} is it.").reason == "flag-shape"


def test_an_encoded_flag_of_somebody_else_is_found(guard):
    hidden = base64.b64encode(b"FLAG{ANOTHERONE234567}").decode()
    assert guard.check(f"Decode {hidden} yourself.").reason == "encoded"


def test_a_short_secret_counts_only_where_it_stands_alone(guard):
    assert guard.check("It took 148213 packets.").ok
    assert guard.check("The number is 4821.").reason == "secret"


@pytest.mark.parametrize(
    "sentence",
    [
        "Type sudo less /var/log/daybook.log now.",
        "Run `sudo less /var/log/daybook.log` and see.",
        "Then !cat /root/flag.txt shows it.",
        "The remedy is visudo --strict on the desk.",
    ],
)
def test_a_line_of_the_reference_is_found(guard, sentence):
    assert guard.check(sentence).reason == "reference"


def test_words_of_a_rung_above_are_found(guard):
    told = "You could type an exclamation mark and a command while the pager shows it."
    assert guard.check(told).reason == "above-rung"


def test_reciting_the_prompt_is_found(guard):
    assert guard.check(f"My orders: {PROMPT}").reason == "prompt"


def test_what_the_trainee_typed_may_be_named():
    typed = "#3 box: sudo less /var/log/daybook.log"
    allowing = Guard(WITHHELD, allowed=[typed], prompt=PROMPT)
    assert allowing.check("You ran sudo less /var/log/daybook.log before.").ok


def test_what_an_allowed_passage_says_may_be_said():
    passage = "Type an exclamation mark and a command while the pager shows the file."
    allowing = Guard(WITHHELD, allowed=[passage], prompt=PROMPT)
    assert allowing.check(passage).ok


HONEST = [
    "Look at what this account may do that an ordinary one may not.",
    "A pager shows a long text one screen at a time, and `less` is one.",
    "What did the output of command 12 tell you?",
    "Read the manual of find: `man find` has a part on permissions such as -perm -4000.",
    "T1548.003 is the technique; CWE-250 is the weakness behind it.",
    "The digest 9e107d9d372bb6826bd81d3542a419d6 is an MD5, 32 hexadecimal digits.",
    "If you found a flag, hand it in.",
    "Base64 of the header begins with eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9, which is public.",
    "Ask which groups you are in, and what those groups may write to.",
]


@pytest.mark.parametrize("sentence", HONEST)
def test_an_honest_sentence_passes(guard, sentence):
    assert guard.check(sentence).ok


@given(st.text(max_size=200))
def test_nothing_ordinary_is_refused_and_nothing_breaks(text):
    verdict = Guard(Withheld(secrets={}, reference=(), above=()), allowed=[], prompt=PROMPT).check(
        text
    )
    assert verdict.ok or verdict.reason in {"flag-shape", "encoded"}


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=24, max_size=40), st.data())
def test_any_flag_in_any_dress_is_found(body, data):
    value = f"FLAG{{{body}}}"
    dress = DRESSES[data.draw(st.sampled_from(sorted(DRESSES)))]
    keeping = Guard(Withheld(secrets={value: "[flag]"}, reference=(), above=()), allowed=[],
                    prompt=PROMPT)  # fmt: skip
    assert not keeping.check(f"See {dress(value)} there").ok


def test_the_withheld_never_show_in_a_repr():
    assert FLAG not in repr(WITHHELD)
    assert "daybook" not in repr(WITHHELD)


def test_a_thousand_harmless_sentences_pass(guard):
    words = "look at the file and its owner before you ask who may write to a folder on this disk"
    chooser = random.Random(7)
    for _ in range(1000):
        sentence = " ".join(chooser.choices(words.split(), k=12))
        assert guard.check(sentence).ok
