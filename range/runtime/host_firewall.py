"""The host's packet filter rules that keep every sandbox off the host and off other networks."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from range.lib.errors import RangeError
from range.runtime.docker_spec import BRIDGE_PREFIX

_ANY_BRIDGE = f"{BRIDGE_PREFIX}+"
_WAIT_SECONDS = "5"
_TIMEOUT_SECONDS = 20
_FOLDERS = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"
_ENGINE_CHAIN = "DOCKER-USER"

type Run = Callable[[Sequence[str]], bool]


class FirewallUnavailable(RangeError):
    """The host's packet filter cannot be asked or changed."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The host's firewall cannot be set up: {detail}. Sandboxes stay closed until it is.",
            reason="firewall",
            status=503,
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule, wanted at the head of a chain.

    Args:
        program: `iptables` or `ip6tables`.
    """

    program: str
    chain: str
    match: tuple[str, ...]

    def __str__(self) -> str:
        """Return the rule as an administrator would write it."""
        return " ".join([self.program, "-I", self.chain, *self.match])


_FROM_SANDBOX = ("-i", _ANY_BRIDGE)
_OUT_OF_SANDBOX = ("-i", _ANY_BRIDGE, "!", "-o", _ANY_BRIDGE)
_INTO_SANDBOX = ("!", "-i", _ANY_BRIDGE, "-o", _ANY_BRIDGE)
_DROP = ("-j", "DROP")
# The host has one table of connections for all; what stays on a sandbox's bridge needs none, and
# would fill it.
_UNTRACKED = ("-t", "raw", *_FROM_SANDBOX, "-j", "CT", "--notrack")

RULES = (
    # The host itself, by any of its addresses, raw frames to its own card included.
    Rule(program="iptables", chain="INPUT", match=(*_FROM_SANDBOX, *_DROP)),
    Rule(program="ip6tables", chain="INPUT", match=(*_FROM_SANDBOX, *_DROP)),
    # Whatever the host would pass on, and whatever others would pass in.
    Rule(program="iptables", chain=_ENGINE_CHAIN, match=(*_OUT_OF_SANDBOX, *_DROP)),
    Rule(program="iptables", chain=_ENGINE_CHAIN, match=(*_INTO_SANDBOX, *_DROP)),
    Rule(program="ip6tables", chain="FORWARD", match=(*_OUT_OF_SANDBOX, *_DROP)),
    Rule(program="ip6tables", chain="FORWARD", match=(*_INTO_SANDBOX, *_DROP)),
    Rule(program="iptables", chain="PREROUTING", match=_UNTRACKED),
    Rule(program="ip6tables", chain="PREROUTING", match=_UNTRACKED),
)


def run(argv: Sequence[str]) -> bool:
    """Run a program and tell whether it succeeded.

    Raises:
        FirewallUnavailable: It is missing, hangs or may not be used.
    """
    program = shutil.which(argv[0], path=_FOLDERS)
    if program is None:
        raise FirewallUnavailable(f"{argv[0]} is not installed")
    try:
        done = subprocess.run(
            [program, *argv[1:]], capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FirewallUnavailable(type(error).__name__) from error
    if b"Permission denied" in done.stderr or b"you must be root" in done.stderr:
        raise FirewallUnavailable("only root may change it")
    return done.returncode == 0


def install(run: Run = run) -> list[str]:
    """Add what is missing and return it; a second call adds nothing.

    Raises:
        FirewallUnavailable: A rule could not be added.
    """
    _join_engine_chain(run)
    added = [rule for rule in RULES if not _present(run, rule)]
    for rule in added:
        if not run(_command(rule, "-I")):
            raise FirewallUnavailable(f"the rule `{rule}` was refused")
    return [str(rule) for rule in added]


def verify(run: Run = run) -> list[str]:
    """Return the rules that are missing; empty means the host is closed to sandboxes.

    Raises:
        FirewallUnavailable: The rules cannot be read.
    """
    missing = [str(rule) for rule in RULES if not _present(run, rule)]
    if not run(["iptables", "-w", _WAIT_SECONDS, "-C", "FORWARD", "-j", _ENGINE_CHAIN]):
        missing.append(f"iptables -I FORWARD -j {_ENGINE_CHAIN}")
    return missing


def _join_engine_chain(run: Run) -> None:
    # The engine makes this chain when it starts, and asks it first; before that we make it.
    run(["iptables", "-w", _WAIT_SECONDS, "-N", _ENGINE_CHAIN])
    jump = ["FORWARD", "-j", _ENGINE_CHAIN]
    if run(["iptables", "-w", _WAIT_SECONDS, "-C", *jump]):
        return
    if not run(["iptables", "-w", _WAIT_SECONDS, "-I", *jump]):
        raise FirewallUnavailable(f"the chain {_ENGINE_CHAIN} cannot be used")


def _present(run: Run, rule: Rule) -> bool:
    return run(_command(rule, "-C"))


def _command(rule: Rule, action: str) -> list[str]:
    return [rule.program, "-w", _WAIT_SECONDS, action, rule.chain, *rule.match]
