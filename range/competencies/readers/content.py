"""What a reader returns: one edition of a framework, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from range.lib.errors import RangeError


class UnreadableFramework(RangeError):
    """A file is not what its reader expects; the message says what is missing."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="framework-unreadable")


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
