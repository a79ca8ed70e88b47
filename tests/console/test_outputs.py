import pytest

from range.console.outputs import LINE_CHARACTERS, Output
from range.console.redaction import Redactor

FLAG = "FLAG{K5QWIZLUMVZGKYLQ7XH2ZZ4A}"


def printed(*chunks):
    output = Output()
    for chunk in chunks:
        output.add(chunk if isinstance(chunk, bytes) else chunk.encode())
    return output


def lines(count):
    return "".join(f"line {number}\r\n" for number in range(count))


def test_it_keeps_the_first_two_and_last_three_lines_and_counts_all():
    digest = printed(lines(1000)).digest(Redactor({}))
    assert digest.first == ("line 0", "line 1")
    assert digest.last == ("line 997", "line 998", "line 999")
    assert digest.lines == 1000


@pytest.mark.parametrize(("count", "first", "last"), [(0, 0, 0), (1, 1, 0), (2, 2, 0), (4, 2, 2)])
def test_a_short_output_is_not_repeated(count, first, last):
    digest = printed(lines(count)).digest(Redactor({}))
    assert (len(digest.first), len(digest.last), digest.lines) == (first, last, count)


def test_long_lines_are_cut():
    digest = printed("x" * 5000 + "\n").digest(Redactor({}))
    assert digest.first == ("x" * LINE_CHARACTERS,)


def test_colours_are_left_out_and_progress_shows_its_end():
    digest = printed("\x1b[31mred\x1b[0m\r\n10%\r55%\r100%\r\n").digest(Redactor({}))
    assert digest.first == ("red", "100%")


@pytest.mark.parametrize("before", [0, 10, 100, 500, 1000, 3000, 4090, 5000, 12_000, 100_000])
@pytest.mark.parametrize("joint", ["\n", " ", ""])
def test_no_secret_survives_wherever_the_cut_falls(before, joint):
    shown = "z" * before + joint + FLAG + joint + "z" * (before % 977)
    digest = printed(*(shown[at : at + 100] for at in range(0, len(shown), 100))).digest(
        Redactor({FLAG: "[flag]"})
    )
    text = "\n".join(digest.first + digest.last)
    for length in (8, 12, 16):
        for at in range(5, len(FLAG) - length):
            assert FLAG[at : at + length] not in text


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("bash: /root/x: Permission denied", 1, "denied"),
        ("eve is not in the sudoers file.", 1, "denied"),
        ("", 126, "denied"),
        ("bash: foo: command not found", 127, "not-found"),
        ("cat: /x: No such file or directory", 1, "not-found"),
        ("ssh: connect to host db port 22: Connection refused", 255, "no-route"),
        ("ping: nowhere: Name or service not known", 2, "no-route"),
        ("curl: (28) Connection timed out", 28, "time-out"),
        ("", 124, "time-out"),
        ("bash: syntax error near unexpected token `)'", 2, "syntax"),
        ("SyntaxError: invalid syntax", 1, "syntax"),
        ("usage: git [-v]", 129, "usage"),
        ("grep: invalid option -- 'Y'", 2, "usage"),
        ("sudo: Permission denied by policy", None, "denied"),
        ("all fine", 1, "none"),
        ("Permission denied", 0, "none"),
    ],
)
def test_it_tells_what_kind_of_failure_it_was(text, code, expected):
    assert printed(text + "\r\n").error_class(code) == expected
