"""An account of a machine with its groups, read from /etc/passwd and /etc/group as text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

ReadText = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who a rule may name.

    Args:
        uid: None where it is not known.
        has_twins: Whether another name has the number, so that either may be taken for it.
    """

    name: str
    uid: int | None = None
    groups: frozenset[str] = frozenset()
    gids: frozenset[int] = frozenset()
    has_twins: bool = False

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
            return name[1:].lower() in {each.lower() for each in self.groups}
        if name.startswith("#"):
            return name[1:].isdecimal() and int(name[1:]) == self.uid
        # sudo takes no notice of case in names.
        return name.lower() == self.name.lower()


def read_account(read: ReadText, name: str) -> Account:
    """Return an account with its groups; unknown accounts have neither number nor group."""
    numbers = list(_numbers(read("/etc/passwd") or ""))
    uid, primary = next((rest for known, *rest in numbers if known == name), (None, None))
    groups: set[str] = set()
    gids: set[int] = set() if primary is None else {primary}
    for line in (read("/etc/group") or "").split("\n"):
        fields = line.split(":")
        if len(fields) < 4 or not fields[2].isdecimal():
            continue
        if name in fields[3].split(",") or int(fields[2]) == primary:
            groups.add(fields[0])
            gids.add(int(fields[2]))
    return Account(
        name=name,
        uid=uid,
        groups=frozenset(groups),
        gids=frozenset(gids),
        has_twins=any(number == uid and known != name for known, number, _ in numbers),
    )


def _numbers(passwd: str) -> Iterator[tuple[str, int, int | None]]:
    for line in passwd.split("\n"):
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdecimal():
            yield fields[0], int(fields[2]), int(fields[3]) if fields[3].isdecimal() else None
