from uuid import uuid4

import pytest

from range.catalog.briefs import to_html
from range.catalog.hints import hint_text, reference_lines
from range.catalog.rendering import rendered
from range.catalog.schema import ScenarioSpec
from range.catalog.variables import draw
from tests.catalog.support import changed


def test_markdown_becomes_html_below_the_pages_own_heading():
    html = to_html("# Title\n\nSome `code` and a [page](https://example.org).\n\n- one\n")
    assert "<h2>Title</h2>" in html
    assert "<code>code</code>" in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert "<li>one</li>" in html


def test_tables_are_rendered():
    assert "<table>" in to_html("| a | b |\n|---|---|\n| 1 | 2 |\n")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "![x](https://example.org/pixel.png)",
        '<a href="https://example.org" onclick="x()">y</a>',
        "<iframe src='https://example.org'></iframe>",
        "<style>*{display:none}</style>",
        '<p style="position:fixed">x</p>',
    ],
)
def test_attack_nothing_active_is_left(text):
    html = to_html(text).replace("&lt;", "").replace("&gt;", "")
    # What was written as a tag is shown as text: no element and no attribute comes of it.
    for element in ("<script", "<img", "<iframe", "<style", "<p style"):
        assert element not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert "<a href" not in html or "onclick=" not in html.split("<a href")[1].split(">")[0]


def spec(**chosen):
    data = changed()
    data["reference"]["mend"] = [
        {"on": "box", "as": "root", "run": "rm -f /etc/way\ntouch ```x", "say": "Remove it."},
        {"wait_seconds": 61},
        {"on": "box", "put": "seed/note.j2", "to": "/srv/app.py"},
        {"submit": {"objective": "enter", "text": "x"}},
    ]
    data["objectives"][1]["hints"][3] = {"rung": 4, "from": "reference"}
    whole = ScenarioSpec.model_validate(data)
    return rendered(whole, draw(whole, b"s", uuid4(), epoch=1) | chosen)


def test_rungs_are_the_authors_words_for_this_attempt():
    assert hint_text(spec(way="suid"), "enter", 3) == "Look at set bits."
    assert hint_text(spec(way="cron"), "enter", 3) == "Look at what runs by itself."
    assert hint_text(spec(), "mend", 3) == "Take away what is not needed."


def test_a_rung_nobody_wrote_is_none():
    data = changed()
    data["objectives"][0]["hints"] = []
    assert hint_text(ScenarioSpec.model_validate(data), "enter", 1) is None
    with pytest.raises(KeyError):
        hint_text(spec(), "nothing", 1)


def test_the_last_rung_tells_the_reference_in_words_and_commands():
    text = hint_text(spec(), "mend", 4)
    assert "Remove it." in text
    assert "On `box` as `root`:" in text
    assert "rm -f /etc/way" in text
    assert "Wait about 61 seconds." in text
    assert "Change `/srv/app.py` on `box`." in text
    assert "Hand in what you found." in text


def test_a_command_cannot_end_the_block_it_stands_in():
    html = to_html(hint_text(spec(), "mend", 4))
    assert html.count("<pre>") == 1
    assert "```x" in html


def test_reference_lines_are_known_to_whoever_guards_them():
    assert "rm -f /etc/way" in reference_lines(spec())
