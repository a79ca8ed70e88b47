"""The disguises in which a known value could appear, and text reduced to what they share."""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

SHORTEST_NORMALISED = 6
DECODABLE_RUN = 12
# A fragment this long of a flag's random part cannot be a coincidence: 50 bits.
FRAGMENT = 10
FLAG_SHAPE = re.compile(r"flag\s*[{(\[]\s*[^\s})\]]{6,}", re.IGNORECASE)
_FLAG_BODY = re.compile(r"^\s*\w+\{(.+)\}\s*$")
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_BASE32_RUN = re.compile(r"[A-Z2-7]{16,}={0,6}", re.IGNORECASE)
_HEX_RUN = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,]?|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}){6,}")


def normalise(text: str) -> str:
    """Reduce text to lower-case letters and digits, so that spacing and case hide nothing."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


@lru_cache(maxsize=2048)
def disguises(value: str) -> frozenset[str]:
    """Return the normalised forms of a value: plain, reversed, rot13, hex, base32, base64."""
    forms = set[str]()
    for core in _cores(value):
        forms |= {core, core[::-1], codecs.encode(core, "rot13"), core.encode().hex()}
        forms |= {core[::-1].encode().hex(), *_base64_at_offsets(core)}
        forms.add(base64.b32encode(core.encode()).decode().rstrip("="))
    reduced = {normalise(form) for form in forms}
    return frozenset(form for form in reduced if len(form) >= SHORTEST_NORMALISED)


@lru_cache(maxsize=2048)
def fragments(value: str) -> frozenset[str]:
    """Return every fragment of a flag's random part that is long enough to give it away."""
    body = _FLAG_BODY.match(value)
    core = normalise(body[1]) if body else ""
    forward = {core[at : at + FRAGMENT] for at in range(len(core) - FRAGMENT + 1)}
    return frozenset(forward | {each[::-1] for each in forward})


def decoded_runs(text: str) -> Iterator[str]:
    """Yield what the base64, base32 and hexadecimal runs of a text say once decoded."""
    for run in _BASE64_RUN.findall(text):
        yield from _decoded(base64.b64decode, _padded(run.translate(_URL_SAFE), 4))
    for run in _BASE32_RUN.findall(text):
        yield from _decoded(base64.b32decode, _padded(run.upper(), 8))
    for run in _HEX_RUN.findall(text):
        yield from _decoded(binascii.unhexlify, re.sub(r"\\x|[^0-9a-fA-F]", "", run))


_URL_SAFE = str.maketrans("-_", "+/")


def _cores(value: str) -> Iterator[str]:
    stripped = value.strip()
    yield stripped
    if stripped.swapcase() != stripped:
        yield stripped.lower()
        yield stripped.upper()
    if body := _FLAG_BODY.match(stripped):
        yield body[1]


def _base64_at_offsets(core: str) -> Iterator[str]:
    for offset in (0, 1, 2):
        padded = b"\0" * offset + core.encode()
        encoded = base64.b64encode(padded).decode()
        # The first and last groups mix with neighbouring bytes and are left out.
        start = 4 if offset else 0
        end = len(encoded) if len(padded) % 3 == 0 else len(encoded) - 4
        yield encoded[start:end]


def _padded(run: str, size: int) -> str:
    bare = run.rstrip("=")
    return bare + "=" * (-len(bare) % size)


def _decoded(decode: Callable[[str], bytes], run: str) -> Iterator[str]:
    try:
        text = decode(run).decode("utf-8", errors="ignore")
    except (ValueError, binascii.Error):
        return
    if len(text) >= 4:
        yield text
