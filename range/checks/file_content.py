"""Compares a file's content with patterns, a digest, or values in JSON."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from range.checks.json_path import looked_up
from range.checks.patterns import PatternTooCostly, found


def first_wrong_content(
    data: bytes,
    contains: Sequence[str],
    not_contains: Sequence[str],
    *,
    ignore_lines: str | None = None,
) -> str:
    """Return the reason slug of the first pattern that does not hold, or an empty string.

    A text that makes a pattern too costly was written by the trainee: it does not hold.
    """
    text = data.decode("utf-8", errors="replace")
    try:
        if ignore_lines is not None:
            # Programs end a line at a newline alone, and a remark reaches as far.
            kept = [line for line in text.split("\n") if not found(ignore_lines, line)]
            text = "\n".join(kept)
        if not all(found(pattern, text) for pattern in contains):
            return "content-missing"
        if any(found(pattern, text) for pattern in not_contains):
            return "content-still-there"
    except PatternTooCostly:
        return "content-too-costly"
    return ""


def sha256_matches(data: bytes, wanted: str) -> bool:
    """Tell whether the content has a digest."""
    return hmac.compare_digest(hashlib.sha256(data).hexdigest(), wanted.lower())


def same_json(data: bytes, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a JSON document holds each value at its place."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return all(looked_up(document, path) == value for path, value in wanted.items())
