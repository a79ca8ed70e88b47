"""What an account may run through sudo, read from sudoers text outside the machine."""

import posixpath
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Literal

from pydantic import model_validator

from range.checks.accounts import Account, read_account
from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.patterns import PatternTooCostly, Regex, found
from range.checks.places import Misleading, real_path
from range.checks.spec import CheckSpec, Line, MachineName, Templated
from range.checks.sudoers import Grant, RulesTooDeep, Sudoers, read_sudoers

FILE_LIMIT_BYTES = 256 * 1024
FILES_LIMIT = 2000
# Lines of sudo.conf by which sudo asks others than /etc/sudoers. Source: sudo.conf(5).
_ELSEWHERE = r"^\s*(Plugin\s+\S+\s+(?!sudoers\.so\s*$)|Path\s+plugin)"


class SudoRuleCheck(CheckSpec):
    """Met when sudo's rules keep an account from some programs and still grant it others.

    Trap: rules hidden in aliases, groups or included files, and a fix that takes everything
    away. Rules are read as sudo reads them, behind links too; what cannot be read to its end, or
    is asked for elsewhere by sudo.conf, counts as a grant. `may` names what must go on working.
    """

    kind: Literal["sudo_rule"]
    machine: MachineName
    """Where the rules lie."""
    account: Line
    """Account the rules are read for."""
    run_as: Line = "root"
    """Account whose rights are asked about."""
    may: tuple[Line, ...] = ()
    """Command lines that must still be granted, with their arguments."""
    may_not: tuple[Line, ...] = ()
    """Programs that must not be granted with any arguments, as absolute paths; ALL stands
    for a rule that grants everything."""
    may_any: tuple[Line, ...] = ()
    """Patterns of command lines, such as `/usr/local/sbin/*`; a rule must grant one of them."""
    may_only: tuple[Line, ...] = ()
    """Patterns of command lines; every rule must grant one of them and nothing wider."""
    noexec_is_enough: bool = False
    """A grant tagged NOEXEC counts as not granted: right for pagers and editors."""
    defaults_not: tuple[Regex | Templated, ...] = ()
    """Patterns that no Defaults line may match, such as `env_keep.*LD_PRELOAD`."""

    @model_validator(mode="after")
    def _asks_something(self) -> "SudoRuleCheck":
        if not (self.may or self.may_not or self.may_any or self.may_only or self.defaults_not):
            raise ValueError("give at least one of may, may_not, may_any, may_only, defaults_not")
        return self

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        try:
            if found(_ELSEWHERE, _text(probe, self.machine, "/etc/sudo.conf") or ""):
                return unmet("sudo-rules-hidden", excerpt="/etc/sudo.conf")
            return self._judged(probe)
        except (Misleading, PatternTooCostly, RulesTooDeep) as error:
            return unmet("sudo-rules-hidden", excerpt=str(error))

    def _judged(self, probe: Probe) -> Judgement:
        rules = read_sudoers(
            lambda path: _text(probe, self.machine, path),
            lambda path: _names(probe, self.machine, path),
        )
        account = read_account(lambda path: _text(probe, self.machine, path), self.account)
        grants = [grant for grant in rules.grants if self._concerns(rules, grant, account)]
        for program in self.may_not:
            if self._grants_program(rules, grants, program):
                return unmet("sudo-still-granted", excerpt=program)
        for command in self.may:
            if not _grants_command(rules, grants, command):
                return unmet("sudo-no-longer-granted", excerpt=command)
        written = [_as_written(command) for _, command in _each_command(rules, grants)]
        if self.may_any and not any(_is_one_of(each, self.may_any) for each in written if each):
            return unmet("sudo-no-longer-granted", excerpt=self.may_any[0])
        for each in written if self.may_only else ():
            if each and not _is_one_of(each, self.may_only):
                return unmet("sudo-still-granted", excerpt=each)
        for pattern in self.defaults_not:
            if any(found(pattern, line) for line in rules.defaults):
                return unmet("sudo-default-still-there", excerpt=pattern)
        return met("sudo-rules-as-wanted")

    def _concerns(self, rules: Sudoers, grant: Grant, account: Account) -> bool:
        if not account.is_in(list(rules.expanded("User", grant.users))):
            return False
        if not grant.runas:
            return self.run_as == "root"
        targets = list(rules.expanded("Runas", grant.runas))
        return Account(name=self.run_as, uid=0 if self.run_as == "root" else None).is_in(targets)

    def _grants_program(self, rules: Sudoers, grants: Sequence[Grant], program: str) -> bool:
        granted = False
        for grant, command in _each_command(rules, grants):
            path, _, arguments = command.lstrip("!").partition(" ")
            if not _path_matches(path, program):
                continue
            if command.startswith("!"):
                # Only a negation without arguments takes every use of the program away.
                granted = granted and bool(arguments)
            elif not (self.noexec_is_enough and "NOEXEC" in grant.tags):
                granted = True
        return granted


def _each_command(rules: Sudoers, grants: Sequence[Grant]) -> list[tuple[Grant, str]]:
    return [
        (grant, command)
        for grant in grants
        for command in rules.expanded("Cmnd", [("!" if grant.negated else "") + grant.command])
    ]


def _grants_command(rules: Sudoers, grants: Sequence[Grant], wanted: str) -> bool:
    granted = False
    program, _, arguments = wanted.strip().partition(" ")
    for _, command in _each_command(rules, grants):
        path, _, pattern = command.lstrip("!").partition(" ")
        if _path_matches(path, program) and _arguments_match(pattern.strip(), arguments.strip()):
            granted = not command.startswith("!")
    return granted


def _as_written(command: str) -> str:
    """Return a granted command line with its path made plain; nothing for a negation."""
    if command.startswith("!"):
        return ""
    path, _, arguments = command.partition(" ")
    # sudo follows `..` in a rule's path, so it must not hide where the path leads.
    plain = posixpath.normpath(path) if path.startswith("/") else path
    return f"{plain} {arguments.strip()}".strip()


def _is_one_of(written: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(written, pattern) for pattern in patterns)


def _path_matches(pattern: str, program: str) -> bool:
    if "ALL" in (pattern, program):
        return pattern == "ALL"
    if pattern.endswith("/"):
        return str(PurePosixPath(program).parent) == pattern.rstrip("/")
    # In paths a wildcard does not reach over a slash.
    return pattern.count("/") == program.count("/") and fnmatchcase(program, pattern)


def _arguments_match(pattern: str, arguments: str) -> bool:
    if not pattern:
        return True
    if pattern == '""':
        return not arguments
    return fnmatchcase(arguments, pattern.replace("\\,", ",").replace("\\:", ":"))


def _text(probe: Probe, machine: str, path: str) -> str | None:
    # sudo follows links, so they are followed here.
    place = real_path(probe, machine, path)
    if place is None:
        return None
    looked = probe.look(machine, place, limit_bytes=FILE_LIMIT_BYTES)
    if looked is None or looked[0].is_directory:
        return None
    if looked[1] is None:
        # There are rules that sudo would read, and we cannot.
        raise Misleading(place)
    return looked[1].decode("utf-8", errors="replace")


def _names(probe: Probe, machine: str, path: str) -> list[str]:
    place = real_path(probe, machine, path)
    if place is None:
        return []
    folder = PurePosixPath(place)
    listing = probe.list_files(machine, place, limit=FILES_LIMIT)
    if len(listing) >= FILES_LIMIT:
        raise Misleading(place)
    return [
        PurePosixPath(stat.path).name
        for stat in listing
        if not stat.is_directory and PurePosixPath(stat.path).parent == folder
    ]
