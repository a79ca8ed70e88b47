"""What a body says to whoever reads it: unpacked, in its alphabet, and in every way of writing."""

import codecs
import html
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from range.checks.base import HttpReply

LIMIT_BYTES = 1 << 20
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_WINDOWS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _RAW)}
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)
# The alphabets that browsers know, each read in time that grows with the text alone.
_ALPHABETS = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|(us-)?ascii|latin-?1|iso-?8859-\d{1,2}|(windows-|cp)125[0-8]"
    r"|koi8-[ru]|ibm866|macintosh|gbk|gb2312|gb18030|big5|shift[_-]jis|euc-(jp|kr)|iso-2022-jp",
    re.IGNORECASE,
)
# Signs by which a Japanese text changes its alphabet, which no reader sees.
_CHANGES = re.compile(r"\x1b[$(]+[@-Z]")


@dataclass(frozen=True, kw_only=True)
class ReadableReply(HttpReply):
    """A reply whose body is plain UTF-8.

    Args:
        unpacked: Its body in the alphabet that it came in.
    """

    unpacked: bytes


class Unreadable(Exception):
    """A body is written in a way that is not read here."""


def readable(reply: HttpReply) -> ReadableReply:
    """Return a reply whose body is plain UTF-8, as a browser would make it.

    Raises:
        Unreadable: It is packed in another way than those that were offered.
    """
    body, is_cut = reply.body, reply.is_cut
    packed = [each.strip().lower() for each in _header(reply, "content-encoding").split(",")]
    for way in reversed([each for each in packed if each not in ("", "identity")]):
        body, more = _unpacked(body, way)
        is_cut = is_cut or more
    named = _CHARSET.search(_header(reply, "content-type"))
    text = _decoded(body, named.group(1) if named else "utf-8")
    return ReadableReply(
        status=reply.status,
        headers=reply.headers,
        body=text.encode("utf-8", "replace"),
        is_cut=is_cut,
        unpacked=body,
    )


def writings(text: str) -> Iterator[str]:
    """Yield a text in each way in which somebody may read it."""
    yield text
    yield _CHANGES.sub("", text.replace("\0", ""))
    yield html.unescape(text)
    yield unquote(text)
    try:
        yield "\n".join(_strings(json.loads(text)))
    except (ValueError, RecursionError):
        return


def _header(reply: HttpReply, name: str) -> str:
    return ", ".join(value for key, value in reply.headers if key.lower() == name)


def _unpacked(body: bytes, way: str) -> tuple[bytes, bool]:
    for window in _WINDOWS.get(way, ()):
        unpacker = zlib.decompressobj(window)
        try:
            text = unpacker.decompress(body, LIMIT_BYTES + 1)
        except zlib.error:
            continue
        return text[:LIMIT_BYTES], len(text) > LIMIT_BYTES
    raise Unreadable(f"a body packed as {way[:40]!r}")


def _decoded(body: bytes, charset: str) -> str:
    marks = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"))
    for mark, name in (*marks, (codecs.BOM_UTF16_BE, "utf-16")):
        if body.startswith(mark):
            return body.decode(name, "replace")
    # Whoever names the alphabet could name one that takes minutes, or that only we would read.
    known = _ALPHABETS.fullmatch(charset) is not None
    try:
        return body.decode(charset if known else "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    else:
        yield str(value)
