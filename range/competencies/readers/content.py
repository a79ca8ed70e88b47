"""What a reader returns: one edition of a framework, as plain values."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from range.lib.errors import RangeError


class UnreadableFramework(RangeError):
    """A file is not what its reader expects; the message says what is missing."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="framework-unreadable")


# What the database has room for; a version is part of addresses too.
CODE_LENGTH, TITLE_LENGTH, NAME_LENGTH = 24, 160, 200
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]{0,23}")


def checked_version(version: str) -> str:
    """Return a version that can be kept and stand in an address.

    Raises:
        UnreadableFramework: It is empty, too long, or holds more than letters, digits and dots.
    """
    if not _VERSION.fullmatch(version):
        raise UnreadableFramework(
            f"Expected a version such as 2.1.0: up to 24 letters, digits and dots; it is "
            f"{version[:40]!r}."
        )
    return version


def too_long(entries: Iterable[tuple[str, str]]) -> str:
    """Return the first code and title that cannot be kept, in words; empty if all can."""
    for code, title in entries:
        if not code.strip() or len(code) > CODE_LENGTH:
            return f"{code[:40]!r} is no id of at most {CODE_LENGTH} characters."
        if len(title) > TITLE_LENGTH:
            return f"The title of {code} has {len(title)} characters, of which {TITLE_LENGTH} fit."
        if "\0" in code + title:
            return f"{code!r} holds a NUL character."
    return ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A role, area or category: a code with a title and a description."""

    code: str
    title: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class StatementEntry:
    """A statement; `kind` is TASK, KNOWLEDGE or SKILL."""

    code: str
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class FrameworkContent:
    """One edition, ready to be written down.

    Args:
        role_statements: Statement codes under each work role's code.
        crosswalk: Pairs of a NICE role code and a DCWF role code.
        errata: What the publisher got wrong and what stands here instead.
        problems: What the file held that could not be used; one sentence each.
    """

    name: str
    version: str
    title: str
    roles: tuple[Entry, ...] = ()
    areas: tuple[Entry, ...] = ()
    categories: tuple[Entry, ...] = ()
    statements: tuple[StatementEntry, ...] = ()
    role_statements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crosswalk: tuple[tuple[str, str], ...] = ()
    errata: tuple[Mapping[str, str], ...] = ()
    problems: tuple[str, ...] = ()

    def codes(self) -> frozenset[str]:
        """Return every code of the edition."""
        places = {entry.code for entry in (*self.roles, *self.areas)}
        return frozenset(places | {statement.code for statement in self.statements})
