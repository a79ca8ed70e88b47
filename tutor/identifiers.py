"""Finds exact names in text: framework ids, options, paths, addresses, quoted commands."""

import re
from collections.abc import Iterator

LONGEST = 120
# One quoted piece of code may name this many programs and options; more is a listing.
WORDS_OF_CODE = 24
# Somebody who types three words or fewer looks something up.
SHORT_QUESTION = 3

_FRAMEWORK = re.compile(
    r"\b(?:T\d{4}(?:\.\d{3})?|TA\d{4}|CWE-\d{1,5}|CVE-\d{4}-\d{4,7}|CAPEC-\d{1,4}"
    r"|[TKS]\d{4}|[A-Z]{2}-WRL-\d{3}|M\d{4}|DS\d{4}|RFC ?\d{3,5})\b",
    re.IGNORECASE,
)
_OPTION = re.compile(r"(?<![\w-])(?:--[a-z][a-z0-9-]+|-[A-Za-z]{1,4}\d?)\b")
_PATH = re.compile(r"(?<![\w/:])~?/(?:[\w.+-]+/?)+")
_FILE = re.compile(r"\b[\w-]+\.(?:conf|cfg|service|timer|log|json|ya?ml|sh|py|php|so|db|sql|key)\b")
_CODE = re.compile(r"`+([^`]+)`+")
_CODE_WORD = re.compile(r"[A-Za-z0-9_][\w.@:+-]*")
_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?\b")
_NAME = re.compile(r"\b(?:[A-Z][A-Z0-9]{2,}(?:_[A-Z0-9]+)*|[a-z]+_[a-z_]+|\w+\(\d\))(?!\w)")

_WORD = re.compile(r"[a-z][\w.+-]{1,30}")

_PATTERNS = (_FRAMEWORK, _OPTION, _PATH, _FILE, _ADDRESS, _NAME)


def identifiers_of(text: str) -> list[str]:
    """Return the distinct names of a text in lower case, in order of appearance."""
    return list(dict.fromkeys(name.casefold()[:LONGEST] for name in _names(text) if len(name) > 1))


def _names(text: str) -> Iterator[str]:
    for pattern in _PATTERNS:
        yield from (found.rstrip("/.") for found in pattern.findall(text))
    for code in _CODE.findall(text):
        yield from _CODE_WORD.findall(code)[:WORDS_OF_CODE]


def asked_for(question: str) -> list[str]:
    """Return what a question names exactly; the words of a very short one may all be names."""
    words = [word.strip(".,;:!?()\"'").casefold() for word in question.split()]
    short = words if len(words) <= SHORT_QUESTION else []
    return list(dict.fromkeys([*identifiers_of(question), *filter(_WORD.fullmatch, short)]))
