import base64
import codecs
import random
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from range.console.redaction import MASK, Redactor, plain

FLAG = "FLAG{K5QWIZLUMVZGKYLQ7XH2ZZ4A}"
PASSWORD = "Tr0ub4dor&3"
REDACTOR = Redactor({FLAG: "[flag one]", PASSWORD: "[password]"})


@pytest.mark.parametrize("prefix", ["", "a", "ab", "abc", "abcd"])
@pytest.mark.parametrize("suffix", ["", "x", "xy", "\n"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_hides_it_at_no_offset(prefix, suffix, encode):
    shown = encode(f"{prefix}{FLAG}{suffix}".encode()).decode()
    hidden = REDACTOR.redact(shown)
    assert "[flag one]" in hidden
    # What is left encodes the surroundings and at most the halves of two characters.
    left = len(hidden.replace("[flag one]", "").rstrip("=\n"))
    assert left <= 4 * (len(prefix) + len(suffix)) / 3 + 4


@pytest.mark.parametrize(
    "shown",
    [
        FLAG,
        FLAG.lower(),
        FLAG[::-1],
        FLAG.encode().hex(),
        FLAG.encode().hex().upper(),
        FLAG.encode().hex(" "),
        FLAG.encode().hex(":"),
        "".join(f"\\x{byte:02x}" for byte in FLAG.encode()),
        ", ".join(f"0x{byte:02x}" for byte in FLAG.encode()),
        FLAG.encode().hex(" ", 2),
        codecs.encode(FLAG, "rot13"),
        quote(FLAG),
        "".join(f"%{byte:02X}" for byte in FLAG.encode()),
        FLAG[:10] + "\n" + FLAG[10:],
        FLAG[:10] + " \r\n" + FLAG[10:],
        base64.b64encode(FLAG.encode()).decode()[:20]
        + "\n"
        + base64.b64encode(FLAG.encode()).decode()[20:],
        base64.b64encode(FLAG[::-1].encode()).decode(),
    ],
)
def test_it_replaces_every_form_a_terminal_may_show(shown):
    hidden = REDACTOR.redact(f"before {shown} after")
    # A first `\\x` or `0x` may stay; it tells nothing.
    assert hidden in {f"before {sign}[flag one] after" for sign in ("", "\\x", "0x")}


def test_it_tells_secrets_apart():
    assert REDACTOR.redact(f"{PASSWORD} {FLAG}") == "[password] [flag one]"


def test_it_replaces_flags_it_was_not_told_of():
    assert REDACTOR.redact("flag{somebody_elses}") == "[flag]"
    assert Redactor({}).redact("got FLAG{AAAA2222}!") == "got [flag]!"


@pytest.mark.parametrize("text", ["", "flag{}", "flag{a b}", "the flag is hidden", "ls -la /srv"])
def test_it_leaves_ordinary_text_alone(text):
    assert REDACTOR.redact(text) == text


def test_values_too_short_to_be_secrets_are_left_out():
    assert Redactor({"abc": "[x]"}).redact("abcabc") == "abcabc"


secrets = st.text(string.ascii_letters + string.digits + "-_{}&%+/=", min_size=6, max_size=40)


@settings(max_examples=200, deadline=None)
@given(secrets, st.text(max_size=30), st.text(max_size=30))
def test_no_secret_survives_between_any_text(secret, before, after):
    hidden = Redactor({secret: "[x]"}).redact(before + secret + after)
    assert secret not in hidden


@settings(max_examples=200, deadline=None)
@given(secrets, st.data())
def test_masking_hides_a_secret_across_any_pieces_and_changes_nothing_else(secret, data):
    # Signs that no secret holds: others may make one together with it, as if read backwards.
    before, after = data.draw(st.text("(! \r\n", max_size=20)), data.draw(st.text(";)", max_size=9))
    whole = before + secret + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    masked = Redactor({secret: "[x]"}).mask(pieces)
    assert [len(piece) for piece in masked] == [len(piece) for piece in pieces]
    assert secret not in "".join(masked)
    assert "".join(masked).startswith(before)


def test_masking_sees_through_colours_and_keeps_them():
    coloured = f"\x1b[31m{FLAG[:7]}\x1b[1m{FLAG[7:12]}\x1b[0m{FLAG[12:]}"
    (masked,) = REDACTOR.mask([f"grep: {coloured} ok"])
    assert plain(masked) == f"grep: {MASK * len(FLAG)} ok"
    assert masked.count("\x1b") == 3


def test_masking_a_typed_flag_hides_each_key():
    masked = REDACTOR.mask([*FLAG])
    assert masked == [MASK] * len(FLAG)


def test_masking_keeps_the_line_ends_of_a_wrapped_secret():
    (masked,) = REDACTOR.mask([FLAG[:9] + "\r\n" + FLAG[9:]])
    assert masked == MASK * 9 + "\r\n" + MASK * (len(FLAG) - 9)


def test_output_without_secrets_passes_unchanged():
    generator = random.Random(2)
    pieces = [
        "".join(generator.choice(string.printable + "\x1b[m") for _ in range(50)) for _ in range(40)
    ]
    assert REDACTOR.mask(pieces) == pieces


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\text", "text"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b(Btext\x1b=", "text"),
        ("a\x07b\x00c\x7f", "abc"),
        ("a\tb\r\nc", "a\tb\r\nc"),
    ],
)
def test_plain_text_is_what_is_left_without_sequences(shown, left):
    assert plain(shown) == left
