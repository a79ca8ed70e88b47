import gzip
import zlib

import pytest

from range.checks.base import HttpReply
from range.checks.http_appearance import appearance
from range.checks.http_body import LIMIT_BYTES, Unreadable, readable
from range.checks.http_expectation import Expectation, first_difference

NUMBER = "MRN-4711-2290"
KEPT_BACK = Expectation(not_contains=(NUMBER,))


def reply(body, **headers):
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpReply(status=200, headers=named, body=body)


@pytest.mark.parametrize(
    "answer",
    [
        reply(NUMBER.encode()),
        reply(gzip.compress(NUMBER.encode()), Content_Encoding="gzip"),
        reply(zlib.compress(NUMBER.encode()), Content_Encoding="deflate"),
        reply(zlib.compress(NUMBER.encode())[2:-4], Content_Encoding="deflate"),
        reply(gzip.compress(gzip.compress(NUMBER.encode())), Content_Encoding="gzip, gzip"),
        reply(NUMBER.encode("utf-16")),
        reply(NUMBER.encode("utf-16-le")),
        reply(NUMBER.encode("utf-16-le"), Content_Type="text/plain; charset=utf-16-le"),
        reply("".join(f"&#{ord(c)};" for c in NUMBER).encode()),
        reply("".join(f"%{ord(c):02x}" for c in NUMBER).encode()),
        reply(('["' + "".join(f"\\u{ord(c):04x}" for c in NUMBER) + '"]').encode()),
        reply(b"", X_Number=NUMBER),
        reply(NUMBER.encode(), Content_Type="text/plain; charset=cp037"),
        reply(NUMBER.encode(), Content_Type="text/plain; charset=utf-16"),
        reply(NUMBER.encode(), Content_Type="text/plain; charset=unicode_escape"),
        reply(b"MRN-4711\x1b(B-2290", Content_Type="text/plain; charset=iso-2022-jp"),
        reply(b"<meta charset=iso-2022-jp>MRN-4711\x1b(B-2290"),
    ],
)
def test_what_a_browser_would_show_is_found(answer):
    assert first_difference(readable(answer), KEPT_BACK) == "an unwanted text is there"


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "cp037", "rot13", "zip", "no-such", "utf-7"]
)
def test_attack_a_service_cannot_choose_how_hard_its_body_is_to_read(charset):
    text = "abc-" + "9z" * 20_000
    answer = reply(text.encode(), Content_Type=f"text/plain; charset={charset}")
    assert readable(answer).body == text.encode()


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("windows-1252", "Müller €"),
        ("ISO-8859-15", "Müller €"),
        ("koi8-r", "Иван"),
        ("Shift_JIS", "山田"),
        ("utf-16be", "Müller"),
        ('"utf-8"', "Müller"),
    ],
)
def test_a_body_is_read_in_the_alphabets_that_browsers_know(charset, text):
    packed = text.encode(charset.strip('"'))
    answer = reply(packed, Content_Type=f"text/plain; charset={charset}")
    assert readable(answer).body.decode() == text
    assert first_difference(readable(answer), Expectation(not_contains=(text,))) != ""


def test_a_body_without_it_is_as_wanted():
    packed = reply(gzip.compress(b"x"), Content_Encoding="gzip")
    assert first_difference(readable(packed), KEPT_BACK) == ""
    assert first_difference(readable(reply(b"\xff\xfe\x00")), KEPT_BACK) == ""


def test_a_body_that_cannot_be_read_to_its_end_is_not_clean():
    bomb = reply(gzip.compress(b" " * (LIMIT_BYTES + 1)), Content_Encoding="gzip")
    assert first_difference(readable(bomb), KEPT_BACK) == "a body too long to be read to its end"
    with pytest.raises(Unreadable):
        readable(reply(b"x", Content_Encoding="br"))
    with pytest.raises(Unreadable):
        readable(reply(b"not packed", Content_Encoding="gzip"))


def test_nobody_can_keep_a_list_of_appearances():
    seen = {appearance()["User-Agent"] for _ in range(200)}
    assert len(seen) > 40
    assert any(agent.startswith("curl/") for agent in seen)
