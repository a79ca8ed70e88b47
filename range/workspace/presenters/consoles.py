"""The tabs above the terminals: each machine's first console, then those opened beside it."""

from dataclasses import dataclass

from range.console.extra_consoles import FIRST, extra_consoles
from range.exercises.models import Attempt
from range.workspace.presenters import specs


@dataclass(frozen=True, kw_only=True)
class ConsoleTab:
    """A terminal and its tab, as templates need them."""

    attempt_id: str
    machine: str
    console: str

    @property
    def key(self) -> str:
        """Return what tells its elements from others'."""
        return f"{self.machine}-{self.console}"

    @property
    def socket_path(self) -> str:
        """Return where its socket is, below the console role's origin."""
        return f"/ws/attempts/{self.attempt_id}/consoles/{self.machine}/{self.console}"

    @property
    def label(self) -> str:
        """Return what people call it."""
        return self.machine if self.console == FIRST else f"{self.machine} {self.console}"

    @property
    def closable(self) -> bool:
        """Tell whether it may be closed; the first one of a machine stays."""
        return self.console != FIRST


def console_tabs(attempt: Attempt) -> list[ConsoleTab]:
    """Return the terminals of an attempt in the order of their tabs."""
    firsts = [(machine, FIRST) for machine in specs.consoles(attempt.version)]
    extras = [(each.machine, each.console) for each in extra_consoles(attempt)]
    return [console_tab(attempt, machine, console) for machine, console in (*firsts, *extras)]


def console_tab(attempt: Attempt, machine: str, console: str) -> ConsoleTab:
    """Return one terminal of an attempt."""
    return ConsoleTab(attempt_id=str(attempt.pk), machine=machine, console=console)
