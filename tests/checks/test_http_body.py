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
    ],
)
def test_what_a_browser_would_show_is_found(answer):
    assert first_difference(readable(answer), KEPT_BACK) == "an unwanted text is there"


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
