"""An account of a machine with its groups, read from /etc/passwd and /etc/group as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

ReadText = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who a rule may name.

    Args:
        uid: None where it is not known.
    """

    name: str
    uid: int | None = None
    groups: frozenset[str] = frozenset()
    gids: frozenset[int] = frozenset()

    def is_in(self, names: Sequence[str]) -> bool:
        """Tell whether a sudoers list names the account; the last name that fits decides."""
        included = False
        for name in names:
            if self._is(name.lstrip("!")):
                included = not name.startswith("!")
        return included

    def _is(self, name: str) -> bool:
        if name == "ALL":
            return True
        if name.startswith("%#"):
            return name[2:].isdecimal() and int(name[2:]) in self.gids
        if name.startswith("%"):
            return name[1:] in self.groups
        if name.startswith("#"):
            return name[1:].isdecimal() and int(name[1:]) == self.uid
        return name == self.name


def read_account(read: ReadText, name: str) -> Account:
    """Return an account with its groups; unknown accounts have neither number nor group."""
    uid, primary = _numbers(read("/etc/passwd") or "", name)
    groups: set[str] = set()
    gids: set[int] = set() if primary is None else {primary}
    for line in (read("/etc/group") or "").splitlines():
        fields = line.split(":")
        if len(fields) < 4 or not fields[2].isdecimal():
            continue
        if name in fields[3].split(",") or int(fields[2]) == primary:
            groups.add(fields[0])
            gids.add(int(fields[2]))
    return Account(name=name, uid=uid, groups=frozenset(groups), gids=frozenset(gids))


def _numbers(passwd: str, name: str) -> tuple[int | None, int | None]:
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[0] == name and fields[2].isdecimal():
            return int(fields[2]), int(fields[3]) if fields[3].isdecimal() else None
    return None, None
