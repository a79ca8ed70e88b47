"""Reads sudoers text as sudo does: aliases, tags, negation, included folders; nothing is run.

Source: sudoers(5), sections "SUDOERS FILE FORMAT" and "Other special characters".
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

_ALIAS = re.compile(r"^(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)$")
_ALIAS_NAME = re.compile(r"^[A-Z][A-Z0-9_]*$")
_INCLUDE = re.compile(r"^[@#](include|includedir)\s+(\S.*)$")
_TAG = re.compile(
    r"^(NO)?(PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT):\s*",
)
_OPTION = re.compile(r"^(CWD|CHROOT|TIMEOUT|NOTBEFORE|NOTAFTER|ROLE|TYPE)=\S+\s*")
_DIGEST = re.compile(r"^(sha224|sha256|sha384|sha512):\S+\s+")
DEPTH_LIMIT = 16

# Reads a file's text (None: there is none), and the names in a folder.
ReadText = Callable[[str], str | None]
ListNames = Callable[[str], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One command of one rule.

    Args:
        runas: Accounts it may run as; empty means root.
        tags: Upper-case tags in force, such as NOPASSWD or NOEXEC.
        command: Path and arguments as written, or ALL.
    """

    users: tuple[str, ...]
    runas: tuple[str, ...]
    tags: frozenset[str]
    negated: bool
    command: str


@dataclass
class Sudoers:
    """Everything sudo would read, in order."""

    grants: list[Grant] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)
    aliases: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def expanded(self, kind: str, names: Sequence[str], *, depth: int = 0) -> Iterator[str]:
        """Yield names with aliases of a kind replaced; a negation is carried along."""
        for name in names:
            negation = "!" * (len(name) - len(name.lstrip("!")))
            bare = name.lstrip("!").strip()
            members = self.aliases.get((kind, bare))
            if members is None or depth > DEPTH_LIMIT:
                yield _simplified(negation) + bare
            else:
                for member in self.expanded(kind, members, depth=depth + 1):
                    yield _simplified(negation + member)


class RulesTooDeep(Exception):
    """Files include each other further than they are followed."""


def read_sudoers(read: ReadText, list_names: ListNames, *, path: str = "/etc/sudoers") -> Sudoers:
    """Read a sudoers file and everything it includes.

    A line that cannot be understood is left out, as a rule that grants nothing.

    Raises:
        RulesTooDeep: Files include each other further than they are followed.
    """
    found = Sudoers()
    for line in _lines(read, list_names, path, depth=0):
        _take(found, line)
    return found


def _lines(read: ReadText, list_names: ListNames, path: str, *, depth: int) -> Iterator[str]:
    if depth > DEPTH_LIMIT:
        raise RulesTooDeep(path)
    text = read(path)
    for line in _logical(text or ""):
        include = _INCLUDE.match(line)
        if include is None:
            if not line.startswith("#") or re.match(r"^#\d+\s", line):
                yield line
            continue
        target = include.group(2).strip().strip('"')
        if not target.startswith("/"):
            target = path.rpartition("/")[0] + "/" + target
        for each in _included(include.group(1), target, list_names):
            yield from _lines(read, list_names, each, depth=depth + 1)


def _included(how: str, target: str, list_names: ListNames) -> list[str]:
    if how == "include":
        return [target]
    # sudo leaves out names that hold a dot or end in a tilde.
    names = sorted(n for n in list_names(target) if "." not in n and not n.endswith("~"))
    return [f"{target.rstrip('/')}/{name}" for name in names]


def _logical(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\n\s*", " ", text)
    for raw in joined.splitlines():
        line = raw.strip()
        if line.startswith("#"):
            yield line
        elif line:
            # A hash begins a comment unless it belongs to a numeric id.
            yield re.split(r"(?<!\\)\s#(?!\d)", line)[0].strip()


def _take(found: Sudoers, line: str) -> None:
    alias = _ALIAS.match(line)
    if alias is not None:
        _take_alias(found, alias.group(1).replace("Cmd", "Cmnd").replace("Cmnnd", "Cmnd"), alias)
    elif line.startswith("Defaults"):
        found.defaults.append(line)
    elif "=" in line and not line.startswith("#include"):
        found.grants.extend(_grants(line))


def _take_alias(found: Sudoers, kind: str, match: re.Match[str]) -> None:
    for definition in _split(match.group(2), ":"):
        name, _, members = definition.partition("=")
        if _ALIAS_NAME.match(name.strip()):
            # sudo refuses a second definition; adding to it can only find more grants.
            known = found.aliases.get((kind, name.strip()), ())
            found.aliases[kind, name.strip()] = known + tuple(_split(members, ","))


def _grants(line: str) -> Iterator[Grant]:
    users_and_hosts, _, rest = line.partition("=")
    users = _users(users_and_hosts)
    if users is None:
        return
    for part in _split(rest, ":"):
        # A later `host = commands` of the same line; hosts do not matter inside one machine.
        commands = re.sub(r"^[\w.,!* -]+=\s*(?=[(/!A-Z])", "", part)
        yield from _commands(tuple(users), commands)


def _users(text: str) -> list[str] | None:
    words = re.sub(r"\s*,\s*", ",", text.strip()).replace("\\ ", "\x00").split()
    if len(words) < 2:
        return None
    return [each.replace("\x00", " ").strip('"') for each in words[0].split(",") if each]


def _commands(users: tuple[str, ...], text: str) -> Iterator[Grant]:
    runas: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    for written in _split(text, ","):
        rest = written
        given = re.match(r"^\(([^)]*)\)\s*", rest)
        if given:
            # An account list may be empty: `(:group)` runs as the invoking account.
            names = given.group(1).partition(":")[0]
            runas = tuple(each.strip() for each in names.split(",") if each.strip()) or ("-",)
            rest = rest[given.end() :]
        while option := _OPTION.match(rest):
            rest = rest[option.end() :]
        while tag := _TAG.match(rest):
            opposite = tag.group(2) if tag.group(1) else f"NO{tag.group(2)}"
            tags = (tags - {opposite}) | {f"{tag.group(1) or ''}{tag.group(2)}"}
            rest = rest[tag.end() :]
        while digest := _DIGEST.match(rest):
            rest = rest[digest.end() :]
        command = rest.lstrip("!").strip()
        if command:
            negated = (len(rest) - len(rest.lstrip("!"))) % 2 == 1
            yield Grant(users=users, runas=runas, tags=tags, negated=negated, command=command)


def _split(text: str, separator: str) -> list[str]:
    """Split where the separator is neither escaped, quoted, nor part of a tag or account list."""
    parts, current, depth, quoted, previous = [], "", 0, False, ""
    for character in text:
        quoted = not quoted if character == '"' and previous != "\\" else quoted
        depth += {"(": 1, ")": -1}.get(character, 0)
        plain = depth <= 0 and not quoted and previous != "\\"
        if character == separator and plain and not _ends_in_tag(current, separator):
            parts.append(current.strip())
            current = ""
        else:
            current += character
        previous = character
    return [part for part in [*parts, current.strip()] if part]


def _ends_in_tag(text: str, separator: str) -> bool:
    if separator != ":":
        return False
    return re.search(r"(^|[\s),:])((NO)?[A-Z_]{4,12}|sha\d{3})$", text) is not None


def _simplified(text: str) -> str:
    bare = text.lstrip("!")
    return ("!" if (len(text) - len(bare)) % 2 else "") + bare
