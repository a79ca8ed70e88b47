"""Reads sudoers rules as sudo does: aliases, tags, negation; what is not understood is refused.

Source: sudoers(5), section "SUDOERS FILE FORMAT"; tried against what cvtsudoers makes of it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from range.checks.sudo_lines import ListNames, NotUnderstood, ReadText, sudoers_lines

_ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias(?=[ \t])")
_DEFAULTS = re.compile(r"Defaults(?=[ \t:@!>]|$)")
# Settings that change what the rules beside them grant, and are not followed here.
_UNSETTLING = re.compile(r"\b(runas_default|runchroot|group_plugin|case_insensitive_\w+)\b")
_TAGS = r"(NO)?(PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT)[ \t]*:"
_OPTIONS = r"(CWD|CHROOT|ROLE|TYPE|TIMEOUT|NOTBEFORE|NOTAFTER|APPARMOR_PROFILE|(LIMIT)?PRIVS)\b"
_TAG = re.compile(_TAGS)
_ALIAS_NAME = re.compile(rf"(?!{_OPTIONS})[A-Z][A-Z0-9_]*(?=[ \t,:=)]|$)")
# Names end where nothing else can begin; quoted and escaped ones are not read.
_NAME = re.compile(rf"(?!{_TAGS})(%?#[0-9]+|%?[A-Za-z_][A-Za-z0-9_.-]*\$?)(?=[ \t,:=)]|$)")
_GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*(?=[ \t,)]|$)")
_HOST = re.compile(rf"(?!{_OPTIONS})[A-Za-z0-9_.*?-]+(?=[ \t,:=]|$)")
_PATH = re.compile(r"(sudoedit|/(?!([^ \t,:]*/)?sudoedit\b)[A-Za-z0-9_.+@~*?/-]+)(?=[ \t,:]|$)")
_ARGUMENTS = re.compile(
    r'""|([A-Za-z0-9 \t_./+@%~*?!;&|<>$`{}-]|(?<=[A-Za-z0-9_-])=(?=[A-Za-z0-9_./-])|\\[,:=\\])*'
)
_ESCAPED = re.compile(r"\\(.)")
_NEGATION = re.compile("!+")
EXPANSION_LIMIT = 20_000


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One command of one rule.

    Args:
        runas: Accounts it may run as; empty means root.
        tags: Upper-case tags in force, such as NOPASSWD or NOEXEC.
        command: Path and arguments, or ALL, or an alias; `!` before it takes away.
        is_everywhere: It holds on every host, so that it is in force for sure.
    """

    users: tuple[str, ...]
    runas: tuple[str, ...]
    tags: frozenset[str]
    command: str
    is_everywhere: bool


@dataclass
class Sudoers:
    """Everything sudo would read, in order."""

    grants: list[Grant] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)
    aliases: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _expanded: int = 0

    def expanded(
        self, kind: str, names: Sequence[str], *, within: tuple[str, ...] = ()
    ) -> Iterator[str]:
        """Yield names with aliases of a kind replaced; a negation is carried along.

        Raises:
            NotUnderstood: An alias stands for itself, for too much, or for no command.
        """
        for name in names:
            self._expanded += 1
            bare = name.removeprefix("!")
            members = self.aliases.get((kind, bare))
            if bare in within or self._expanded > EXPANSION_LIMIT:
                raise NotUnderstood(bare)
            if members is not None:
                for member in self.expanded(kind, members, within=(*within, bare)):
                    yield _negated(member) if name.startswith("!") else member
            elif kind == "Cmnd" and bare != "ALL" and _ALIAS_NAME.fullmatch(bare):
                raise NotUnderstood(bare)
            else:
                yield name


def read_sudoers(read: ReadText, list_names: ListNames, *, path: str = "/etc/sudoers") -> Sudoers:
    """Read a sudoers file and everything it includes.

    Raises:
        NotUnderstood: Something in it could grant more, or less, than is understood.
    """
    found = Sudoers()
    for line in sudoers_lines(read, list_names, path):
        words = _Words(line)
        if alias := words.take(_ALIAS):
            _take_aliases(found, alias.replace("Cmd_", "Cmnd_").removesuffix("_Alias"), words)
        elif words.take(_DEFAULTS):
            if _UNSETTLING.search(line) or "\\" in line or "#" in line:
                raise NotUnderstood(line)
            found.defaults.append(line)
        else:
            found.grants.extend(_grants(words))
    return found


class _Words:
    """Takes a line apart from left to right."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def take(self, wanted: re.Pattern[str] | str) -> str:
        """Return what comes next if it is as wanted, or an empty string; blanks are skipped."""
        while self._line[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1
        pattern = re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
        match = pattern.match(self._line, self._at)
        self._at = match.end() if match else self._at
        return match.group() if match else ""

    def need(self, wanted: re.Pattern[str] | str) -> str:
        """Return what comes next, which must be as wanted."""
        taken = self.take(wanted)
        if not taken:
            raise NotUnderstood(self._line)
        return taken

    @property
    def are_over(self) -> bool:
        """Whether nothing is left."""
        return not self._line[self._at :].strip(" \t")


def _take_aliases(found: Sudoers, kind: str, words: _Words) -> None:
    item: Callable[[_Words], str] = {
        "Cmnd": _command,
        "Host": lambda words: words.need(_HOST),
    }.get(kind, lambda words: words.need(_NAME))
    while True:
        name = words.need(_ALIAS_NAME)
        words.need("=")
        if name == "ALL" or (kind, name) in found.aliases:
            raise NotUnderstood(name)
        found.aliases[kind, name] = _list(words, item)
        if words.are_over:
            return
        words.need(":")


def _grants(words: _Words) -> Iterator[Grant]:
    users = _list(words, lambda words: words.need(_NAME))
    while True:
        hosts = _list(words, lambda words: words.need(_HOST))
        words.need("=")
        yield from _commands(words, users, is_everywhere=hosts == ("ALL",))
        if words.are_over:
            return
        words.need(":")


def _commands(words: _Words, users: tuple[str, ...], *, is_everywhere: bool) -> Iterator[Grant]:
    runas: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    while True:
        if words.take("("):
            runas = _runas(words)
        while tag := words.take(_TAG).rstrip(": \t"):
            opposite = tag.removeprefix("NO") if tag.startswith("NO") else f"NO{tag}"
            tags = (tags - {opposite}) | {tag}
        yield Grant(
            users=users,
            runas=runas,
            tags=tags,
            command=_item(words, _command),
            is_everywhere=is_everywhere,
        )
        if not words.take(","):
            return


def _runas(words: _Words) -> tuple[str, ...]:
    # A list of accounts may be empty: `(:group)` runs as whoever asks.
    names: tuple[str, ...] = ("-",)
    if words.take(")"):
        return names
    if not words.take(":"):
        names = _list(words, lambda words: words.need(_NAME))
        if words.take(")"):
            return names
        words.need(":")
    _list(words, lambda words: words.need(_GROUP))
    words.need(")")
    return names


def _command(words: _Words) -> str:
    if name := words.take(_ALIAS_NAME):
        return name
    path = words.need(_PATH)
    arguments = "" if path.endswith("/") else words.take(_ARGUMENTS)
    return f"{path} {_ESCAPED.sub(r'\1', ' '.join(arguments.split()))}".strip()


def _list(words: _Words, item: Callable[[_Words], str]) -> tuple[str, ...]:
    found = [_item(words, item)]
    while words.take(","):
        found.append(_item(words, item))
    return tuple(found)


def _item(words: _Words, item: Callable[[_Words], str]) -> str:
    is_negated = len(words.take(_NEGATION)) % 2
    return ("!" if is_negated else "") + item(words)


def _negated(name: str) -> str:
    return name[1:] if name.startswith("!") else f"!{name}"
