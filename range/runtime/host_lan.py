"""A sandbox's network on this host, so fixed that no machine passes for another before a grader.

Whoever may send raw frames can say that an address is at another card, or that a card is at
another port: what a grader asks one machine would then be answered by another, or by none, and a
door would look closed. So the host fixes both, for the grader and for those it asks.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from range.runtime import host_links
from range.runtime.host_namespaces import inside

_CARDS = Path("/sys/class/net")


@dataclass(frozen=True, kw_only=True)
class Member:
    """Who is on the network.

    Args:
        pid: A process in whose network namespace the card is.
        card: Its hardware address.
    """

    pid: int
    address: str
    card: str


def is_here(bridge: str) -> bool:
    """Tell whether the network's bridge is one of this host."""
    return (_CARDS / bridge / "brif").is_dir()


def is_fixed(bridge: str) -> bool:
    """Tell whether every port of the bridge is; a machine that was made anew has a new one."""
    return all(_learning(port).read_text() == "0\n" for port in _ports(bridge))


def fix(bridge: str, members: Sequence[Member], grader: Member, places: Sequence[str]) -> None:
    """Fix the ports of all, the machines for the grader, and the grader's places for machines.

    Args:
        places: Every address a grader may come from, so that none stands out.

    Raises:
        OSError: The kernel refuses, or a machine has gone.
    """
    ports = {int((_CARDS / port / "iflink").read_text()): port for port in _ports(bridge)}
    # First nobody teaches the bridge anything more, then it is told.
    _switch_learning(ports.values(), "0")
    try:
        for member in (*members, grader):
            known = [(place, grader.card) for place in places]
            if member is grader:
                known = [(each.address, each.card) for each in members]
            number = inside(member.pid, partial(_tell, member.card, known))
            if number in ports:
                port = int((_CARDS / ports[number] / "ifindex").read_text())
                host_links.set_port(port, member.card)
    except OSError:
        # The next look tries again.
        _switch_learning(ports.values(), "1")
        raise


def take(grader: Member, place: str, prefix: int) -> None:
    """Let the grader come from a place too.

    Raises:
        OSError: The kernel refuses.
    """
    inside(
        grader.pid,
        lambda: host_links.add_address(host_links.interface_of(grader.card), place, prefix),
    )


def _tell(card: str, known: Sequence[tuple[str, str]]) -> int:
    number = host_links.interface_of(card)
    for address, theirs in known:
        host_links.set_neighbour(number, address, theirs)
    return number


def _switch_learning(ports: Iterable[str], value: str) -> None:
    for port in ports:
        # A machine that is made anew in this moment takes its port along.
        with suppress(FileNotFoundError):
            _learning(port).write_text(value)


def _ports(bridge: str) -> list[str]:
    return [each.name for each in (_CARDS / bridge / "brif").iterdir()]


def _learning(port: str) -> Path:
    return _CARDS / port / "brport" / "learning"
