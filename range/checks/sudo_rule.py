"""What an account may run through sudo, read from sudoers text outside the machine."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import model_validator

from range.checks.accounts import Account, read_account
from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.patterns import PatternTooCostly, Regex, found
from range.checks.places import Misleading
from range.checks.spec import CheckSpec, Line, MachineName, Templated
from range.checks.sudo_lines import NotUnderstood
from range.checks.sudo_places import Places
from range.checks.sudoers import Grant, Sudoers, read_sudoers

# Lines by which sudo asks others than /etc/sudoers. Sources: sudo.conf(5), sudoers.ldap(5).
_ELSEWHERE = {
    "/etc/sudo.conf": r"^\s*(Plugin\s+\S+\s+(?!sudoers\.so\s*$)|Path\s+plugin)|^[^#\n]*\\$",
    "/etc/nsswitch.conf": r"^\s*sudoers\s*:(?!\s*files\s*(#|$))",
}

# A rule, and one of the commands that it grants; `!` before it takes away.
type Command = tuple[Grant, str]


class SudoRuleCheck(CheckSpec):
    """Met when sudo's rules keep an account from some programs and still grant it others.

    Trap: rules hidden in aliases, groups or included files, rules that one reader understands
    and sudo otherwise, and a fix that takes everything away. Rules are read as sudo reads them,
    behind links too, and paths by where they lead. Where a rule is not understood, such as a
    regular expression, a `[`, a quoted name or an option like CWD, or cannot be read to its end,
    or is asked for elsewhere by sudo.conf, the check is not met and shows it. `may` names what
    must go on working.
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
        places = Places(probe, self.machine)
        try:
            for path, pattern in _ELSEWHERE.items():
                if found(pattern, places.text(path) or "", ignore_case=True):
                    return unmet("sudo-rules-hidden", excerpt=path)
            return self._judged(places)
        except (Misleading, NotUnderstood, PatternTooCostly) as error:
            return unmet("sudo-rules-hidden", excerpt=str(error))

    def _judged(self, places: Places) -> Judgement:
        rules = read_sudoers(places.rules, places.names)
        account = read_account(places.text, self.account)
        if account.has_twins:
            return unmet("sudo-rules-hidden", excerpt="/etc/passwd")
        target = read_account(places.text, self.run_as)
        commands = [
            (grant, command)
            for grant in rules.grants
            if self._concerns(rules, grant, account, target)
            for command in rules.expanded("Cmnd", [grant.command])
        ]
        return (
            self._wrongly_granted(places, commands)
            or self._no_longer_granted(places, commands)
            or self._wrong_defaults(rules)
            or met("sudo-rules-as-wanted")
        )

    def _concerns(self, rules: Sudoers, grant: Grant, account: Account, target: Account) -> bool:
        if not account.is_in(list(rules.expanded("User", grant.users))):
            return False
        if not grant.runas:
            return self.run_as == "root"
        return target.is_in(list(rules.expanded("Runas", grant.runas)))

    def _wrongly_granted(self, places: Places, commands: Sequence[Command]) -> Judgement | None:
        for program in self.may_not:
            if self._grants_program(places, commands, program):
                return unmet("sudo-still-granted", excerpt=program)
        for _, command in commands if self.may_only else ():
            written = _as_written(places, command)
            if not command.startswith("!") and not _is_one_of(written, self.may_only):
                return unmet("sudo-still-granted", excerpt=written[0])
        return None

    def _no_longer_granted(self, places: Places, commands: Sequence[Command]) -> Judgement | None:
        for wanted in self.may:
            if not _grants_command(places, commands, wanted):
                return unmet("sudo-no-longer-granted", excerpt=wanted)
        if self.may_any and not _grants_any(places, commands, self.may_any):
            return unmet("sudo-no-longer-granted", excerpt=self.may_any[0])
        return None

    def _wrong_defaults(self, rules: Sudoers) -> Judgement | None:
        for pattern in self.defaults_not:
            if any(found(pattern, line) for line in rules.defaults):
                return unmet("sudo-default-still-there", excerpt=pattern)
        return None

    def _grants_program(self, places: Places, commands: Sequence[Command], program: str) -> bool:
        granted = False
        for grant, command in commands:
            path, _, arguments = command.removeprefix("!").partition(" ")
            if command.startswith("!"):
                # Only a negation that is in force for sure takes every use of a program away.
                takes = grant.is_everywhere and not arguments and places.same(path, program)
                granted = granted and not takes
            elif self.noexec_is_enough and "NOEXEC" in grant.tags:
                continue
            elif places.same(path, program) or places.leads_to(path, program):
                granted = True
        return granted


def _grants_command(places: Places, commands: Sequence[Command], wanted: str) -> bool:
    granted = False
    program, _, arguments = wanted.strip().partition(" ")
    for grant, command in commands:
        path, _, pattern = command.removeprefix("!").partition(" ")
        if not places.same(path, program) or not _arguments_match(pattern, arguments.strip()):
            continue
        granted = (granted or grant.is_everywhere) and not command.startswith("!")
    return granted


def _grants_any(places: Places, commands: Sequence[Command], patterns: Sequence[str]) -> bool:
    kept: list[str] = []
    for grant, command in commands:
        path = command.removeprefix("!").partition(" ")[0]
        if command.startswith("!"):
            kept = [each for each in kept if not places.same(path, each)]
        elif grant.is_everywhere and _is_one_of(_as_written(places, command), patterns):
            kept.append(path)
    return bool(kept)


def _as_written(places: Places, command: str) -> tuple[str, ...]:
    """Return the ways to write a granted command line with its path made plain."""
    path, _, arguments = command.partition(" ")
    return tuple(f"{each} {arguments}".strip() for each in places.plain(path))


def _is_one_of(written: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(each, pattern) for each in written for pattern in patterns)


def _arguments_match(pattern: str, arguments: str) -> bool:
    if not pattern:
        return True
    if pattern == '""':
        return not arguments
    return fnmatchcase(arguments, pattern)
