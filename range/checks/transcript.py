"""Whether the trainee typed a command; it supports a judgement and never decides one."""

import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from range.checks.base import Judgement, Probe, TypedCommand
from range.checks.judgements import met, unmet
from range.checks.patterns import PatternTooCostly, Regex, found
from range.checks.spec import CheckSpec, Line, MachineName

_WRAPPERS = frozenset({"sudo", "env", "nohup", "time", "command", "exec", "doas", "nice"})


class TranscriptCheck(CheckSpec):
    """Met when a command that starts a given program was typed.

    Trap: `echo` of the expected words. The program of each simple command is compared, so
    words that are only printed do not count.
    """

    kind: Literal["transcript"]
    role: Literal["supporting"] = "supporting"
    """Always supporting: a transcript shows what was typed, not what was achieved."""
    machine: MachineName | None = None
    """Only commands typed on this machine; any machine when left out."""
    program: Annotated[tuple[Line, ...], Field(min_length=1, max_length=20)]
    """Names of programs, any of which counts."""
    arguments: Regex | None = None
    """Pattern that the command's arguments must match."""
    exit_code: int | None = None
    """Exit code that the shell must have reported; any when left out."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        for command in probe.transcript():
            if self._counts(command):
                return met("command-typed", excerpt=f"{command.number}: {command.text}")
        return unmet("command-not-typed")

    def _counts(self, command: TypedCommand) -> bool:
        if self.machine is not None and command.machine != self.machine:
            return False
        if self.exit_code is not None and command.exit_code != self.exit_code:
            return False
        return any(self._starts(words) for words in simple_commands(command.text))

    def _starts(self, words: list[str]) -> bool:
        if PurePosixPath(words[0]).name not in self.program:
            return False
        if self.arguments is None:
            return True
        try:
            return found(self.arguments, " ".join(words[1:]))
        except PatternTooCostly:
            return False


def simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a line, also from behind sudo and the like.

    A line whose quoting cannot be read yields nothing.
    """
    for words in _split(line[:4000]):
        while words and ("=" in words[0].partition("/")[0]):
            words = words[1:]
        while words:
            yield words
            if PurePosixPath(words[0]).name not in _WRAPPERS:
                break
            words = words[1:]
            while words and (words[0].startswith("-") or "=" in words[0]):
                words = words[1:]


def _split(line: str) -> list[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word and set(word) <= set(";&|()\n"):
                parts.append([])
            else:
                parts[-1].append(word)
    except ValueError:
        return []
    return [part for part in parts if part]
