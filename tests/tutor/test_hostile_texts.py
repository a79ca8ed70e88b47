"""A megabyte that is written against its reader is read like any other, or refused at once."""

import pytest

from tutor.chunking import LONGEST_ASK, MOST_ASKS, FrontMatter, cut_plain
from tutor.front_matter import LIMIT_CHARACTERS, FrontMatterInvalid
from tutor.given_text import LIMIT_BYTES, UploadRefused, checked, reads_like_an_order
from tutor.importers import folder
from tutor.importers.folder import entry_of
from tutor.importers.reading import ImportRefused
from tutor.quoting import inert

FRONT = FrontMatter(title="A text", slug="a", license="Ours", version="1", min_rung=1)


def filled(piece, *, begin="", end=""):
    return begin + piece * ((LIMIT_BYTES - len(begin) - len(end)) // len(piece)) + end


# Each of these took minutes, hours or days while patterns tried every place anew.
@pytest.mark.parametrize(
    "text",
    [
        filled("["),
        filled("[a"),
        filled("[a]("),
        filled("]("),
        filled("[a](b"),
        filled("[a](((", end=")"),
        filled("![", end="]"),
        filled("![]("),
        filled("![](()"),
        filled("<script "),
        filled("<script></style>"),
        filled("</script", begin="<script>"),
        filled(" ", begin="<script>x</script"),
        filled("#", begin="# a", end="b"),
        filled(" #", begin="# a", end="b"),
        filled(" ", begin="# ", end="\x0b"),
        filled(" ", begin="<!-- asks:", end="x"),
        filled(" ", begin="<!-- asks: a", end="-"),
        filled("<!-- asks: a;b;c -->\n", begin="# T\n\n"),
        filled("---\n"),
        filled("\n---"),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_pattern_runs_away(text):
    entry = entry_of(checked(text), name="a", fallback="A text")
    pieces = cut_plain(entry.body, FRONT)
    assert sum(len(piece.text) for piece in pieces) <= 2 * LIMIT_BYTES


def test_spaces_behind_a_bracket_are_looked_at_once():
    text = filled(" ", begin="<", end="x")
    assert inert(text) == text
    assert not reads_like_an_order(text)


def test_marks_that_pile_up_on_one_letter_are_refused_before_they_are_sorted():
    with pytest.raises(UploadRefused, match="marks"):
        checked("a" + "\u0301\u0316" * (LIMIT_BYTES // 8))
    assert checked("a\u0316\u0301b") == "\u00e1\u0316b"


LAUGHS = "title: &a [ha, ha]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcd", "bcde", strict=True)
)


@pytest.mark.parametrize(
    "head",
    [
        "a: !!bool x",
        "a: !!int ''",
        "a: !!float x",
        "a: !!timestamp x",
        "a: !!binary x",
        "a: !!python/name:os.system",
        "title: &a x\nurl: *a",
        LAUGHS,
        "<<: {title: x}",
        "title: [a, b]",
        "title: {a: b}",
        "version: [1]",
        "title: a\ntitle: b",
        "title: a: b",
        "? [a]\n: b",
        "- a",
        "words",
        "min_rung: 5",
        "min_rung: -1",
        "min_rung: true",
        "min_rung: '3'",
        "[" * 5_000,
        "{" * 60,
        "\x01",
        "title: x\n" + "# more\n" * LIMIT_CHARACTERS,
    ],
    ids=lambda head: repr(head[:20]),
)
def test_front_matter_that_is_no_plain_line_is_refused_clearly(head, tmp_path):
    text = f"---\n{head}\n---\n# Doors\n\nText."
    with pytest.raises(FrontMatterInvalid, match="front matter") as refusal:
        entry_of(text, name="a", fallback="a")
    assert len(refusal.value.message) < 300
    (tmp_path / "a.md").write_text(text)
    with pytest.raises(ImportRefused, match=r"a\.md: "):
        list(folder.entries(tmp_path))


def test_front_matter_of_plain_lines_is_read_whatever_else_stands_in_it():
    text = "---\r\ntitle: Of doors\r\nversion: 2026-10-01\r\ntags: [a, b]\r\nurl:\r\n---\r\nText."
    entry = entry_of(text, name="a", fallback="a")
    assert (entry.title, entry.version, entry.url, entry.min_rung) == (
        *("Of doors", "2026-10-01", ""),
        2,
    )
    assert entry.body == "Text."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("See [levers](https://levers.example/a_(b)) now", "See levers now"),
        ("See [levers](more.md#top) and [this](#here)", "See levers and this"),
        ("See [a file](notes.txt)", "See [a file](notes.txt)"),
        ("![A door](door (1).png 'x') opens", "A door opens"),
        ("[![A door](door.png)](https://doors.example)", "A door"),
        ("a<script>x</SCRIPT >b<style>y</style>c<script>d", "abc<script>d"),
    ],
)
def test_links_images_and_scripts_leave_their_words(text, left):
    assert entry_of(text, name="a", fallback="a").body == left


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# Doors", "Doors"),
        ("#### Of  doors ##", "Of  doors"),
        ("## C#", "C"),
        ("# # #", "#"),
        ("##### Too deep", ""),
        ("#no space", ""),
        ("#   ", ""),
    ],
)
def test_headings_are_what_they_were(line, heading):
    found = cut_plain(f"{line}\n\nText.", FRONT)
    assert found[-1].heading == (heading or FRONT.title)


def test_a_comment_raises_a_section_and_never_lowers_it():
    text = "## Low\n<!-- rung: 0 -->\n\nA.\n\n## High\n<!-- rung: 3 -->\n\nB.\n\n## As given\n\nC."
    assert [piece.min_rung for piece in cut_plain(text, FRONT)] == [1, 3, 1]


def test_a_section_says_so_many_questions_and_no_more():
    asks = "; ".join(f"{number} {'why ' * 200}" for number in range(300))
    (piece,) = cut_plain(f"## A\n<!-- asks: {asks} -->\n<!-- asks: more -->\n\nText.", FRONT)
    assert len(piece.asks) == MOST_ASKS
    assert max(len(ask) for ask in piece.asks) <= LONGEST_ASK
