"""Regular expressions over text a trainee may have written, bounded in time and size."""

import time
from typing import Annotated

import regex  # type: ignore[import-untyped]
from pydantic import AfterValidator, StringConstraints

# A pattern that needs longer than this on one text is treated as not found.
TIME_LIMIT_SECONDS = 0.25
TEXT_LIMIT = 1 << 20
_FILLED_LATER = regex.compile(r"\$\{[a-z][a-z0-9_]*\}")


class PatternTooCostly(Exception):
    """A pattern did not finish in time on a text."""


def _compilable(pattern: str) -> str:
    if "{{" in pattern:
        return pattern
    try:
        # What is filled in later is some word.
        regex.compile(_FILLED_LATER.sub("x", pattern), regex.MULTILINE)
    except regex.error as error:
        raise ValueError(f"this is no regular expression: {error}") from error
    return pattern


Regex = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_compilable)]


def found(
    pattern: str,
    text: str,
    *,
    whole: bool = False,
    ignore_case: bool = False,
    seconds: float = TIME_LIMIT_SECONDS,
) -> bool:
    """Tell whether a pattern occurs in a text; `^` and `$` match at every line.

    Args:
        whole: The pattern must match the whole text.
        seconds: How long it may take.

    Raises:
        PatternTooCostly: It took too long; whoever wrote the text decided how long.
    """
    flags = regex.MULTILINE | (regex.IGNORECASE if ignore_case else 0)
    search = regex.fullmatch if whole else regex.search
    try:
        return search(pattern, text[:TEXT_LIMIT], flags, timeout=seconds) is not None
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


class Budget:
    """Processor time for patterns over many texts, so that costly ones do not add up."""

    def __init__(self, seconds: float) -> None:
        self._end = time.thread_time() + seconds

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            PatternTooCostly: It is used up.
        """
        if time.thread_time() >= self._end:
            raise PatternTooCostly

    def found(self, pattern: str, text: str, *, ignore_case: bool = False) -> bool:
        """Tell whether a pattern occurs in a text.

        Raises:
            PatternTooCostly: It took too long, or all of them together did.
        """
        self.check()
        left = max(self._end - time.thread_time(), 0.01)
        seconds = min(left, TIME_LIMIT_SECONDS)
        return found(pattern, text, ignore_case=ignore_case, seconds=seconds)
