"""Trying a scenario in a terminal: what is shown, and what keys and saved files bring about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue

from range.authoring.own_terminal import Keys, open_shell
from range.authoring.plan import VariantNeverDrawn
from range.authoring.trial import Judged, NotUp, Ready, Trial
from range.authoring.trial_disks import Disk, bounded, watched, worth_telling
from range.authoring.watching import Watch
from range.lib.errors import RangeError
from range.runtime.driver import Driver

LOOK_SECONDS = 0.25
HELP = "keys: c checks · s shell · f hand in · r reference · v values · n anew · h help · q end"
FULL = "The next save starts it anew, and so does n."
LOW = "At the limit it is stopped: remove something, or raise it."
type Tell = Callable[[str], None]


class Desk:
    """One author at one trial.

    Args:
        reveal: Whether what was drawn is shown at the start.
    """

    def __init__(self, trial: Trial, tell: Tell, *, reveal: bool = False) -> None:
        self._trial, self._tell, self._reveal = trial, tell, reveal
        self._keys = Keys()
        self._news: SimpleQueue[Disk] = SimpleQueue()
        self._known: set[tuple[str, bool]] = set()
        self._does: dict[str, Callable[[], None]] = {
            "c": self._check,
            "s": self._shell,
            "f": self._hand_in,
            "r": self._solve,
            "v": self._values,
            "n": self._renew,
            "h": self._help,
        }

    def work(self) -> None:
        """Start, then follow keys and saved files until the author ends it."""
        watch = Watch(self._trial.folder)
        with watched(self._trial.driver, self._look), self._keys.each_at_once():
            with self._telling():
                self._tell(told(self._trial.refresh()))
                self._help()
                if self._reveal:
                    self._values()
            while (key := self._keys.pressed(LOOK_SECONDS)) != "q":
                self._tell_of_disks()
                if changed := watch.changed():
                    self._refresh(changed)
                with self._telling():
                    self._does.get(key, _nothing)()

    def _look(self, _: Driver) -> None:
        """Bound what machines write, in the watch's thread; what comes of it is told at a key."""
        noted = bounded(self._trial)
        try:
            handle = self._trial.handle
        except NotUp:
            handle = None
        for disk in worth_telling(noted, handle):
            if (disk.container_id, disk.is_full) not in self._known:
                self._known.add((disk.container_id, disk.is_full))
                self._news.put(disk)

    def _tell_of_disks(self) -> None:
        with suppress(Empty):
            while True:
                disk = self._news.get_nowait()
                self._tell(f"{said_of(disk)} {FULL if disk.is_full else LOW}")

    def _refresh(self, changed: list[str]) -> None:
        self._tell(f"changed: {', '.join(changed[:5])}{' …' if len(changed) > 5 else ''}")
        with self._telling():
            self._tell(told(self._trial.refresh()))

    def _renew(self) -> None:
        self._tell(told(self._trial.renew()))

    def _help(self) -> None:
        spec, slug = self._trial.spec, self._trial.folder.name
        for name, machine in spec.machines.items():
            user = machine.console.user if machine.console else "root, no console of trainees"
            self._tell(f"  {name} ({user}): manage.py try_scenario {slug} --shell {name}")
        self._tell(HELP)

    def _check(self) -> None:
        for line in (line for each in self._trial.judge() for line in lines_of(each)):
            self._tell(line)

    def _hand_in(self) -> None:
        right = self._trial.hand_in(self._keys.line("flag or answer: "))
        self._tell(f"right for {', '.join(right)}" if right else "right for no objective")

    def _solve(self) -> None:
        self._trial.solve()
        self._tell("carried out every reference; press c to see what it did")

    def _values(self) -> None:
        for name, value in sorted(self._trial.values.items()):
            self._tell(f"  {name} = {value}")
        if not self._trial.values:
            self._tell("  nothing is drawn for this scenario")

    def _shell(self) -> None:
        machines = list(self._trial.handle.machines)
        name = machines[0] if len(machines) == 1 else self._keys.line(f"{', '.join(machines)}: ")
        if name not in machines:
            self._tell(f"there is no machine {name!r}")
            return
        console = self._trial.spec.machines[name].console
        self._tell(f"{name}: exit, or Ctrl-] to leave it open")
        user = console.user if console else "root"
        open_shell(self._trial.driver, self._trial.handle, name, user=user)
        self._tell("\nleft the shell; h for help")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except RangeError as error:
            self._tell(error.message)
        except VariantNeverDrawn as error:
            self._tell(f"{error}: is there such a choice?")


def said_of(disk: Disk) -> str:
    """Return what a machine wrote and what became of it."""
    if disk.is_full:
        return (
            f"{disk.machine} was stopped: its disk is full. It wrote {disk.used_mb} MB, "
            f"and its disk_mb allows {disk.limit_mb}."
        )
    return f"The disk of {disk.machine} is nearly full: {disk.used_mb} of {disk.limit_mb} MB."


def told(ready: Ready) -> str:
    """Return one line about what bringing a sandbox up to date did."""
    what = f"started {', '.join(ready.machines)}" if ready.machines else "no machine differs"
    return f"ready in {ready.seconds:.1f} s ({what})"


def lines_of(judged: Judged) -> Iterator[str]:
    """Yield an objective's outcome, and each of its checks below it."""
    yield f"{judged.outcome:<13} {judged.objective}"
    for name, judgement in judged.checks.items():
        excerpt = " ".join(judgement.excerpt.split())[:120]
        shown = f" ({excerpt})" if excerpt else ""
        yield f"  {judgement.outcome.value.lower():<12} {name}: {judgement.reason}{shown}"


_nothing = partial(bool)
