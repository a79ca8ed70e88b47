"""Regular expressions over text a trainee may have written, bounded in time and size."""

from typing import Annotated

import regex  # type: ignore[import-untyped]
from pydantic import AfterValidator, StringConstraints

# A pattern that needs longer than this on one text is treated as not found.
TIME_LIMIT_SECONDS = 0.25
TEXT_LIMIT = 1 << 20


class PatternTooCostly(Exception):
    """A pattern did not finish in time on a text."""


def _compilable(pattern: str) -> str:
    if "{{" in pattern:
        return pattern
    try:
        regex.compile(pattern, regex.MULTILINE)
    except regex.error as error:
        raise ValueError(f"this is no regular expression: {error}") from error
    return pattern


Regex = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_compilable)]


def found(pattern: str, text: str, *, whole: bool = False, ignore_case: bool = False) -> bool:
    """Tell whether a pattern occurs in a text; `^` and `$` match at every line.

    Args:
        whole: The pattern must match the whole text.

    Raises:
        PatternTooCostly: It took too long; whoever wrote the text decided how long.
    """
    flags = regex.MULTILINE | (regex.IGNORECASE if ignore_case else 0)
    search = regex.fullmatch if whole else regex.search
    try:
        return search(pattern, text[:TEXT_LIMIT], flags, timeout=TIME_LIMIT_SECONDS) is not None
    except TimeoutError as error:
        raise PatternTooCostly(pattern) from error


def captured(pattern: str, text: str) -> str | None:
    """Return the first group, or the whole match, of a pattern's first occurrence.

    Raises:
        PatternTooCostly: It took too long.
    """
    try:
        match = regex.search(
            pattern, text[:TEXT_LIMIT], regex.MULTILINE, timeout=TIME_LIMIT_SECONDS
        )
    except TimeoutError as error:
        raise PatternTooCostly(pattern) from error
    if match is None:
        return None
    return str(match.group(1) if match.re.groups else match.group(0))
