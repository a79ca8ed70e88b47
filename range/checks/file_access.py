"""Tells what an account may do with a file from owners and permission bits, running nothing."""

from collections.abc import Sequence

from range.checks.accounts import Account, read_account
from range.checks.base import FileStat, Probe
from range.checks.file_metadata import parents_of

READ, WRITE, ENTER = 4, 2, 1


def first_missing_access(
    probe: Probe, machine: str, stat: FileStat, wanted: Sequence[tuple[str, int]]
) -> str:
    """Return the reason slug of the first right that an account lacks, or an empty string.

    Args:
        wanted: Accounts, each with one of READ, WRITE and ENTER, the last being the bit that
            lets a file be started and a folder be passed.

    Raises:
        ProbeUnavailable: The probe could not look.
    """
    if not wanted:
        return ""
    parents = [probe.stat(machine, parent) for parent in parents_of(stat.path)]
    for name, right in wanted:
        account = read_account(lambda path: _text(probe, machine, path), name)
        passed = all(each is not None and may(account, each, ENTER) for each in parents)
        if not (passed and may(account, stat, right)):
            return "access-missing"
    return ""


def may(account: Account, stat: FileStat, right: int) -> bool:
    """Tell whether an account has a right: as owner, else by a group, else as anybody.

    Lists of further rights (ACLs) are not seen.
    """
    if account.uid == 0:
        return right != ENTER or stat.is_directory or bool(stat.mode & 0o111)
    if account.uid == stat.uid:
        return bool(stat.mode >> 6 & right)
    if stat.gid in account.gids:
        return bool(stat.mode >> 3 & right)
    return bool(stat.mode & right)


def _text(probe: Probe, machine: str, path: str) -> str | None:
    data = probe.read_file(machine, path)
    return None if data is None else data.decode("utf-8", errors="replace")
