"""Lint: checks are used where they tell something, and resist what each kind must resist."""

from collections.abc import Iterator

from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.catalog.yaml_tree import Place
from range.checks.combine import leaves
from range.checks.log import LogCheck
from range.checks.sql import SqlCheck, SqlLogin
from range.checks.ssh import SshCheck, SshLogin
from range.checks.tcp import TcpCheck
from range.checks.temporal import TemporalCheck

type Finding = tuple[Severity, str, str, str]


def check_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is doubtful about single checks."""
    for position, objective in enumerate(loaded.spec.objectives):
        place: Place = ("objectives", position, "checks")
        for check in leaves(objective.checks):
            found: Iterator[Finding] = iter(())
            if isinstance(check, LogCheck):
                found = _log(loaded, check)
            elif isinstance(check, TcpCheck):
                found = _tcp(check)
            elif isinstance(check, TemporalCheck):
                found = _temporal(loaded, check)
            elif isinstance(check, (SqlCheck, SshCheck)):
                found = _logins(loaded, check)
            for severity, expected, seen, advice in found:
                seen = f"{seen} in {check.id}"
                yield loaded.problem(severity, place, expected, seen, advice)


def _log(loaded: LoadedScenario, check: LogCheck) -> Iterator[Finding]:
    machine = loaded.spec.machines.get(check.machine)
    if check.role == "required" and machine is not None and machine.console is not None:
        yield (
            Severity.WARNING,
            "a log of a machine that trainees cannot enter",
            f"{check.machine}, which has a console,",
            "Whoever is root there can write any line; let the check be supporting.",
        )


def _tcp(check: TcpCheck) -> Iterator[Finding]:
    if not check.is_fresh:
        yield (
            Severity.WARNING,
            "${nonce} in what is sent and in what is expected",
            "an exchange that is the same each time",
            "A stand-in that sends constant bytes would pass.",
        )


def _logins(loaded: LoadedScenario, check: SqlCheck | SshCheck) -> Iterator[Finding]:
    logins = [each for each in check.logins if isinstance(each, SqlLogin) or each.logs_in]
    wishes = {each.expect for each in logins}
    if len(wishes) == 1:
        yield (
            Severity.WARNING,
            "logins to be accepted and logins to be refused in one check",
            f"only logins to be {min(wishes)}",
            "A server that lets everybody in, or nobody, would pass.",
        )
    machine = loaded.spec.machines.get(check.to.partition(":")[0])
    runs = any(isinstance(each, SshLogin) and each.run for each in check.logins)
    if runs and check.role == "required" and machine is not None and machine.console is not None:
        yield (
            Severity.WARNING,
            "a command on a machine that trainees cannot enter",
            f"{check.to}, which has a console,",
            "Whoever is root there decides what a command prints; look from outside too.",
        )


def _temporal(loaded: LoadedScenario, check: TemporalCheck) -> Iterator[Finding]:
    known = {each.key: [c.id for c in leaves(each.checks)] for each in loaded.spec.objectives}
    for match in check.matches():
        if match.objective is not None and match.objective not in known:
            expected = f"one of the objectives {', '.join(known)}"
            yield Severity.ERROR, expected, repr(match.objective), ""
            continue
        ids = known.get(match.objective or "") or [each for ids in known.values() for each in ids]
        if match.check is not None and match.check not in ids:
            yield Severity.ERROR, f"one of the checks {', '.join(ids)}", repr(match.check), ""
        if match.check == check.id:
            yield Severity.ERROR, "another check than itself", repr(match.check), ""
