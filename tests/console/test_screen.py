import random

from hypothesis import given
from hypothesis import strategies as st

from range.console.screen import Screen


def filled(*chunks, tail=1000, slack=500):
    screen = Screen(tail_bytes=tail, slack_bytes=slack)
    for chunk in chunks:
        screen.append(chunk)
    return screen


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_it_gives_back_what_was_shown_while_it_fits(chunks):
    # Escapes and enquiries may be questions, which are left out on purpose.
    clean = [chunk.replace(b"\x1b", b"").replace(b"\x05", b"") for chunk in chunks]
    assert filled(*clean).snapshot() == b"".join(clean)


def test_it_is_bounded_however_much_is_shown():
    screen = Screen(tail_bytes=1000, slack_bytes=500)
    for number in range(5000):
        screen.append(b"line %d\r\n" % number)
    assert 500 < len(screen.snapshot()) <= 1500
    assert screen.snapshot().endswith(b"line 4999\r\n")


def test_it_begins_at_the_start_of_a_line_once_something_was_dropped():
    screen = filled(*[b"abcdefghij %03d\r\n" % n for n in range(300)])
    assert screen.snapshot().startswith(b"abcdefghij ")


def test_it_does_not_begin_inside_a_character():
    screen = filled("é".encode() * 5000, tail=1001, slack=10)
    assert screen.snapshot().decode("utf-8")


def test_it_keeps_the_modes_that_were_set_before_the_cut():
    screen = filled(
        b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1000;1006h", *[b"row\r\n" for _ in range(1000)]
    )
    start = screen.snapshot()[:80]
    for mode in (b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?2004h", b"\x1b[?1000h", b"\x1b[?1006h"):
        assert mode in start


def test_it_does_not_repeat_modes_that_were_taken_back():
    screen = filled(b"\x1b[?1049h vim \x1b[?1049l", *[b"row\r\n" for _ in range(1000)])
    assert b"1049" not in screen.snapshot()


def test_it_tells_when_a_full_screen_program_shows():
    screen = filled(b"$ vim\r\n\x1b[?1049h~\r\n~\r\n")
    assert screen.alternate
    screen.append(b"\x1b[?1049l$ ")
    assert not screen.alternate


def test_it_leaves_out_questions_that_would_be_answered_a_second_time():
    questions = [
        b"\x1b[c",
        b"\x1b[>c",
        b"\x1b[=c",
        b"\x1b[6n",
        b"\x1b[?6n",
        b"\x1b[5n",
        b"\x1b[?2004$p",
        b"\x1b[>q",
        b"\x1b[18t",
        b"\x1bP$qm\x1b\\",
        b"\x1bP+q544e\x1b\\",
        b"\x1b]10;?\x07",
        b"\x1b]11;?\x1b\\",
        b"\x1b]4;1;?\x07",
        b"\x05",
    ]
    for question in questions:
        assert filled(b"before" + question + b"after").snapshot() == b"beforeafter", question


def test_it_keeps_what_only_looks_like_a_question():
    for harmless in (b"\x1b[31m", b"\x1b[2J", b"\x1b[10;20H", b"\x1b]0;title\x07", b"\x1b[?25h"):
        assert harmless in filled(b"a" + harmless + b"b").snapshot()


def test_many_tiny_chunks_take_no_more_room_than_their_bytes():
    screen = Screen(tail_bytes=10_000, slack_bytes=1000)
    generator = random.Random(4)
    for _ in range(20_000):
        screen.append(bytes([generator.randrange(32, 127)]))
    assert len(screen._chunks) <= 4096 + 1
    assert len(screen.snapshot()) <= 11_000


# --- since: what a small picture on a wall gets ------------------------------------------------


def test_since_gives_exactly_what_came_after_a_count():
    screen = Screen()
    screen.append(b"one")
    seen = screen.shown_bytes
    screen.append(b"two")
    assert screen.since(seen, most=100) == (b"two", False)
    assert screen.since(screen.shown_bytes, most=100) == (b"", False)


def test_since_begins_anew_for_whoever_saw_nothing():
    screen = Screen()
    screen.append(b"one\x1b[cand")
    assert screen.since(0, most=100) == (b"oneand", True)


def test_since_leaves_out_more_than_was_asked_for_and_begins_with_a_line():
    screen = Screen()
    screen.append(b"first")
    seen = screen.shown_bytes
    screen.append(b"".join(b"%04d\n" % number for number in range(1000)))
    data, whole = screen.since(seen, most=52)
    assert whole
    assert data == b"".join(b"%04d\n" % number for number in range(990, 1000))


def test_since_gives_a_full_screen_program_more_and_keeps_its_mode():
    screen = Screen()
    screen.append(b"\x1b[?1049h" + b"~\n" * 300)
    data, whole = screen.since(0, most=100)
    assert whole
    assert data.startswith(b"\x1b[?1049h~\n")
    assert 300 <= len(data) <= 408


def test_since_survives_that_the_oldest_is_dropped():
    screen = Screen(tail_bytes=50, slack_bytes=10)
    screen.append(b"a\n")
    seen = screen.shown_bytes
    for _ in range(100):
        screen.append(b"0123456\n")
    data, whole = screen.since(seen, most=10_000)
    assert whole
    assert set(data.split(b"\n")) == {b"0123456", b""}


@given(st.data())
def test_what_is_kept_is_the_end_of_what_was_shown_however_it_came(data):
    rows = [b"\x1b[?25%c%d\r\n" % (b"hl"[n % 2], n) for n in range(400)]
    shown = b"".join(rows)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shown)), max_size=60)))
    screen = Screen(tail_bytes=300, slack_bytes=data.draw(st.integers(0, 200)))
    for start, end in zip([0, *cuts], [*cuts, len(shown)], strict=True):
        screen.append(shown[start:end])
    kept = screen.snapshot()
    assert screen.shown_bytes == len(shown)
    assert kept.endswith(shown[-250:])
    # With the cursor's mode before it, where that is not the usual one.
    whole = kept if shown.endswith(kept) else kept.removeprefix(b"\x1b[?25l")
    assert shown.endswith(whole)
    before = shown[: len(shown) - len(whole)].count(b"\n")
    assert whole.startswith(rows[before])
    assert (whole is kept) == (before % 2 == 1 or not before)
