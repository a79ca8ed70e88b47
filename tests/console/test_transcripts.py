import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.console.redaction import Redactor
from range.console.transcripts import Cutter

A, B, C = b"\x1b]133;A;cwd=/root\x07", b"\x1b]133;B\x07", b"\x1b]133;C\x07"
PROMPT = A + b"\x1b[1;32mroot@web\x1b[0m:\x1b[1;34m~\x1b[0m# " + B


def ended(status):
    return b"\x1b]133;D;%d\x07" % status


def ran(typed, output=b"", status=0):
    return typed + b"\r\n" + C + output + ended(status) + PROMPT


def cut(data, *, cols=80, size=None, enters=0):
    cutter, commands = Cutter(cols=cols), []
    cutter.entered(enters)
    step = size or max(1, len(data))
    for at in range(0, len(data), step):
        commands += cutter.feed(data[at : at + step], at)
    return commands + list(cutter.finish(len(data)))


def digest(command):
    return command.output.digest(Redactor({}))


def test_it_cuts_commands_outputs_and_exit_codes():
    data = PROMPT + ran(b"id", b"uid=0(root)\r\n") + ran(b"cat /nope", b"cat: no\r\n", 1)
    first, second = cut(data)
    assert (first.text, first.exit_code, digest(first).first) == ("id", 0, ("uid=0(root)",))
    assert (second.text, second.exit_code, digest(second).lines) == ("cat /nope", 1, 1)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 13, 50])
def test_any_chunking_gives_the_same_commands(size):
    data = PROMPT + ran(b"lss\b\x1b[K -la", b"a\r\nb\r\n") + ran(b"false", status=1) + b"\r\n"
    whole, chunked = cut(data), cut(data, size=size)
    assert [(c.text, c.exit_code, digest(c)) for c in chunked] == [
        (c.text, c.exit_code, digest(c)) for c in whole
    ]


@given(st.lists(st.tuples(st.sampled_from(["id", "ls -la", "echo a"]), st.integers(0, 255))))
def test_as_many_commands_come_out_as_went_in(commands):
    data = PROMPT + b"".join(ran(text.encode(), b"x\r\n", status) for text, status in commands)
    assert [(c.text, c.exit_code) for c in cut(data, size=11)] == commands


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data):
    cut(PROMPT + data + ran(b"id") + data, size=7, enters=3)


def test_the_text_is_what_stood_on_the_line_and_not_each_key():
    (command,) = cut(PROMPT + ran(b"cat wrld\x1b[3D\x1b[1@o\x1b[3C"))
    assert command.text == "cat world"


def test_a_prompt_drawn_again_after_a_completion_list_is_no_part_of_the_command():
    redrawn = b"\x1b[1;32mroot@web\x1b[0m:~# " + B
    typed = b"ls /ho\x07\r\nhome/ home2/\r\n" + redrawn + b"ls /home/"
    (command,) = cut(PROMPT + ran(typed))
    assert command.text == "ls /home/"


def test_a_wrapped_command_is_one_line():
    text = b"echo " + b"b" * 100
    room = 40 - len("root@web:~# ")
    typed = text[:room] + text[room : room + 1] + b"\r" + text[room : room + 40]
    typed += text[room + 40 : room + 41] + b"\r" + text[room + 40 :]
    (command,) = cut(PROMPT + ran(typed), cols=40)
    assert command.text == text.decode()


def test_the_further_lines_of_a_command_lose_their_prompt():
    (command,) = cut(PROMPT + ran(b"cat <<E\r\n> one\r\n> E", b"one\r\n"))
    assert command.text == "cat <<E\none\nE"


def test_an_empty_or_abandoned_line_is_no_command():
    data = PROMPT + b"\r\n" + PROMPT + b"rm -rf /x^C\r\n" + PROMPT + ran(b"id")
    assert [c.text for c in cut(data)] == ["id"]


def test_the_time_is_taken_from_enter_to_end():
    cutter = Cutter(cols=80)
    list(cutter.feed(PROMPT + b"sleep 2\r\n" + C, 1000))
    (command,) = cutter.feed(ended(0), 3100)
    assert (command.at_ms, command.ms) == (1000, 2100)


def test_a_command_that_opens_a_shell_ends_with_that_shells_first_prompt():
    data = PROMPT + b"sudo -i\r\n" + C + PROMPT + ran(b"id", b"uid=0\r\n") + b"exit\r\n" + C
    data += b"logout\r\n" + ended(0) + PROMPT
    assert [(c.text, c.exit_code) for c in cut(data)] == [("sudo -i", None), ("id", 0), ("exit", 0)]


def test_a_console_that_ends_in_the_middle_gives_the_running_command_without_an_exit_code():
    (command,) = cut(PROMPT + b"top\r\n" + C + b"load")
    assert (command.text, command.exit_code) == ("top", None)


@pytest.mark.parametrize(
    "prompt",
    ["$ ", "# ", "user@db:/srv$ ", "[root@files etc]# ", ">>> ", "mysql> ", "bash-5.2# "],
)
def test_without_marks_lines_after_a_prompt_are_taken_for_commands_and_say_so(prompt):
    cutter, commands = Cutter(cols=80), []
    for text, output in (("id -u", "0\r\n"), ("whoami", "root\r\n")):
        commands += cutter.feed(prompt.encode() + text.encode(), 1)
        cutter.entered()
        commands += cutter.feed(b"\r\n" + output.encode(), 2)
    commands += cutter.finish(3)
    assert [(c.text, c.exit_code, c.assembled) for c in commands] == [
        ("id -u", None, True),
        ("whoami", None, True),
    ]
    assert digest(commands[0]).first == ("0",)
    assert digest(commands[0]).lines == 1


def test_a_pasted_line_is_found_although_its_echo_comes_later():
    cutter = Cutter(cols=80)
    list(cutter.feed(b"$ ", 0))
    cutter.entered(2)
    commands = list(cutter.feed(b"id\r\nuid=0\r\n$ w\r\nroot\r\n", 1)) + list(cutter.finish(2))
    assert [c.text for c in commands] == ["id", "w"]


@pytest.mark.parametrize(
    "row", ["[sudo] password for eve: ", "Password:", "Enter host: web", "continue? y", "> quote"]
)
def test_answers_to_questions_are_no_commands(row):
    cutter = Cutter(cols=80)
    commands = list(cutter.feed(row.encode(), 0))
    cutter.entered()
    commands += list(cutter.feed(b"\r\n", 1)) + list(cutter.finish(2))
    assert commands == []


def test_an_editors_screen_holds_no_commands():
    cutter = Cutter(cols=80)
    commands = list(cutter.feed(b"\x1b[?1049h# not a command", 0))
    cutter.entered()
    commands += list(cutter.feed(b"\r\n# nor this", 1)) + list(cutter.finish(2))
    assert commands == []


def test_a_trainee_who_breaks_the_marks_is_still_followed():
    cutter, commands = Cutter(cols=80), []
    commands += cutter.feed(PROMPT + b"unset PROMPT_COMMAND; PS1='$ '\r\n" + C + b"$ id", 0)
    cutter.entered()
    commands += cutter.feed(b"\r\nuid=0\r\n$ ", 1)
    commands += cutter.finish(2)
    assert [(c.text, c.assembled) for c in commands] == [
        ("unset PROMPT_COMMAND; PS1='$ '", False),
        ("id", True),
    ]


@pytest.mark.parametrize(
    "forged",
    [
        b"\x1b]133;D;0",
        b"\x1b]133;D;999999999999999\x07",
        b"\x1b]133;D;abc\x07",
        b"\x1b]133;Z\x07",
        b"\x1b]133;C\x07" * 50,
        b"\x1b]133;B\x07" * 500,
        b"\x1b]133;" + b"x" * 5000,
    ],
)
def test_malformed_marks_are_survived(forged):
    commands = cut(PROMPT + ran(b"cat evil", forged) + ran(b"id"), size=64)
    assert [c.text for c in commands][-1] == "id"
    assert all(c.exit_code is None or 0 <= c.exit_code < 1000 for c in commands)


def test_a_flood_is_followed_in_bounded_space():
    cutter = Cutter(cols=80)
    list(cutter.feed(PROMPT + b"yes\r\n" + C, 0))
    chunk = b"y\r\n" * 20_000
    for _ in range(100):
        list(cutter.feed(chunk, 1))
    (command,) = cutter.feed(ended(130), 2)
    assert digest(command).lines == 2_000_000
    held = len(command.output._head) + sum(len(part) for part in command.output._tail)
    assert held < 100_000


def test_typing_without_end_is_followed_in_bounded_space():
    cutter = Cutter(cols=80)
    list(cutter.feed(PROMPT, 0))
    generator = random.Random(5)
    for _ in range(200):
        list(cutter.feed(generator.randbytes(1000).replace(b"\x1b", b"x"), 1))
    assert len(cutter._typed) < 64_000


def test_each_command_is_announced_as_it_begins():
    begun = []
    cutter = Cutter(cols=80, on_begin=begun.append)
    list(cutter.feed(PROMPT + b"sleep 100\r\n" + C, 0))
    assert begun == ["sleep 100"]
