"""Cuts a stream of words into sentences, citations kept with the sentence they follow."""

import re

LONGEST_SENTENCE = 500
_END = re.compile(
    r"""
    (?P<mark>[.!?][)"'*]*(?:\s?\[\d+\](?:,?\s?\[\d+\])*)?[.]?)  # an end, with citations behind it
    (?P<gap>\s+)(?=[^\s\[\]])                                   # and something that begins anew
    | (?P<line>\n+)(?=\S)
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|no)|^\s*\d{1,2})\.$", re.IGNORECASE)


class Splitter:
    """Holds back what is not yet a whole sentence."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, words: str) -> list[str]:
        """Take the next words, and return the sentences that are complete now."""
        self._held += words
        found: list[str] = []
        while (cut := self._cut()) is not None:
            sentence, self._held = self._held[:cut].strip(), self._held[cut:].lstrip(" ")
            if sentence:
                found.append(sentence)
        return found

    def rest(self) -> str:
        """Return what is left when the stream ended, without an unfinished last sentence."""
        text, self._held = self._held.strip(), ""
        return text

    def _cut(self) -> int | None:
        for end in _END.finditer(self._held):
            before = self._held[: end.end()].rstrip()
            if self._is_inside_code(before) or _ABBREVIATION.search(before):
                continue
            return end.end()
        return LONGEST_SENTENCE if len(self._held) > LONGEST_SENTENCE else None

    @staticmethod
    def _is_inside_code(text: str) -> bool:
        return text.count("`") % 2 == 1
