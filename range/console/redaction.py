"""Finds the secrets of an attempt in text, in every form a terminal may show them."""

import base64
import codecs
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from urllib.parse import quote

# A value shorter than this would also match innocent words.
SHORTEST_SECRET = 4
MASK = "\u2022"
FLAG_PLACEHOLDER = "[flag]"

# Source: the flag's shape in catalog, `FLAG{` and base32; looser, so that a forged one goes too.
_FLAG_SHAPE = r"flag\{[^\s{}]{4,120}\}"
# A line that was wrapped by a program or by the shell's line editor.
_WRAP = r"(?: ?[\r\n]+)?"
# What hex dumps put between bytes.
_HEX_GAP = r"(?:\s|[:,]|\\x|0x){0,4}"

# Sequences that show nothing: OSC, DCS and their kin, CSI, two-character escapes, other controls.
INVISIBLE = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


def plain(text: str) -> str:
    """Return the text without sequences and control characters that show nothing."""
    return INVISIBLE.sub("", text)


@dataclass(frozen=True)
class Span:
    """A stretch of text that holds a secret, and what may stand in its place."""

    start: int
    end: int
    placeholder: str


@dataclass(frozen=True, kw_only=True)
class _Form:
    """One way a secret may be written.

    Args:
        compact: Lower case and without gaps; its presence makes the pattern worth trying.
    """

    placeholder: str
    compact: str
    pattern: str
    is_hex: bool = False


_FLAG = _Form(placeholder=FLAG_PLACEHOLDER, compact="flag{", pattern=_FLAG_SHAPE)


class Redactor:
    """Replaces or masks secrets; made once for an attempt.

    Args:
        secrets: Value to placeholder, such as `[flag]`.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        forms = [
            form
            for value, placeholder in secrets.items()
            if len(value) >= SHORTEST_SECRET
            for form in _forms(value, placeholder)
        ]
        # Longer forms first, so that a whole is found before a part of it.
        self._forms = [*sorted(forms, key=lambda form: -len(form.compact)), _FLAG]
        self._searches: dict[tuple[int, ...], re.Pattern[str]] = {}

    def spans(self, text: str) -> list[Span]:
        """Return where secrets stand in text without escape sequences."""
        present = self._present(text)
        if not present:
            return []
        placeholders = [self._forms[index].placeholder for index in present]
        return [
            Span(match.start(), match.end(), placeholders[(match.lastindex or 1) - 1])
            for match in self._search(present).finditer(text)
        ]

    def redact(self, text: str) -> str:
        """Return text without escape sequences with every secret replaced."""
        parts, at = [], 0
        for span in self.spans(text):
            parts += [text[at : span.start], span.placeholder]
            at = span.end
        return "".join([*parts, text[at:]])

    def _present(self, text: str) -> tuple[int, ...]:
        # Looking for a literal is a hundred times faster than matching a pattern, and most text
        # holds no secret; so patterns are only tried for forms that are there.
        folded = text.lower()
        joined = _without(folded, "\r", "\n", " ")
        digits = _without(joined, "\t", ":", ",", "\\x", "0x")
        return tuple(
            index
            for index, form in enumerate(self._forms)
            if form.compact in (digits if form.is_hex else joined)
        )

    def _search(self, present: tuple[int, ...]) -> re.Pattern[str]:
        if present not in self._searches:
            patterns = (f"({self._forms[index].pattern})" for index in present)
            self._searches[present] = re.compile("|".join(patterns), re.IGNORECASE)
        return self._searches[present]

    def mask(self, pieces: Sequence[str]) -> list[str]:
        """Return terminal output, piece by piece, with each visible secret character masked.

        A secret may run across pieces and have escape sequences inside; both stay as they are.
        """
        whole = "".join(pieces)
        shown = _Shown.of(whole)
        marks = [part for span in self.spans(shown.text) for part in shown.origin(span)]
        if not marks:
            return list(pieces)
        return list(_cut(_masked(whole, marks), [len(piece) for piece in pieces]))


@dataclass(frozen=True)
class _Shown:
    """The visible part of terminal output, and where each stretch of it came from."""

    text: str
    starts: list[int]
    origins: list[int]

    @classmethod
    def of(cls, whole: str) -> "_Shown":
        kept, origins, at = [], [], 0
        for match in INVISIBLE.finditer(whole):
            if match.start() > at:
                kept.append(whole[at : match.start()])
                origins.append(at)
            at = match.end()
        kept.append(whole[at:])
        origins.append(at)
        starts = [0, *accumulate(len(part) for part in kept)][:-1]
        return cls("".join(kept), starts, origins)

    def origin(self, span: Span) -> Iterator[tuple[int, int]]:
        """Yield the stretches of the original that show a span."""
        at, index = span.start, bisect_right(self.starts, span.start) - 1
        while at < span.end:
            after = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.text)
            until = min(span.end, after)
            if until > at:
                first = self.origins[index] + at - self.starts[index]
                yield first, first + until - at
            at, index = until, index + 1


def _masked(whole: str, marks: Iterable[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in sorted(marks):
        hidden = "".join(c if c in "\r\n" else MASK for c in whole[start:end])
        parts += [whole[at:start], hidden]
        at = end
    return "".join([*parts, whole[at:]])


def _cut(whole: str, lengths: Iterable[int]) -> Iterator[str]:
    at = 0
    for length in lengths:
        yield whole[at : at + length]
        at += length


def _without(text: str, *parts: str) -> str:
    for part in parts:
        text = text.replace(part, "")
    return text


def _forms(value: str, placeholder: str) -> Iterator[_Form]:
    data = value.encode()
    texts = {value, value[::-1], codecs.encode(value, "rot13"), *_url_forms(value)}
    texts |= {*_base64_forms(data), *_base64_forms(data[::-1])}
    for text in texts:
        yield _Form(
            placeholder=placeholder,
            compact=text.lower().replace(" ", ""),
            pattern=_WRAP.join(re.escape(character) for character in text),
        )
    for raw in {data, data[::-1]}:
        yield _Form(
            placeholder=placeholder,
            compact=raw.hex(),
            pattern=_HEX_GAP.join(f"{byte:02x}" for byte in raw),
            is_hex=True,
        )


def _url_forms(value: str) -> Iterator[str]:
    yield quote(value, safe="")
    yield quote(value)
    yield "".join(f"%{byte:02x}" for byte in value.encode())


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield what base64 shows of `data` whatever stands before and after it."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        # The first and the last characters also hold bits of their neighbours.
        first = (offset * 8 + 5) // 6
        last = (offset + len(data)) * 8 // 6
        sure = encoded[first:last]
        if len(sure) >= SHORTEST_SECRET:
            yield sure
            yield sure.replace("+", "-").replace("/", "_")
