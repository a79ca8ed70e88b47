"""Try a scenario in a sandbox of one's own that follows every saved file; needs no database."""

import os
import signal
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.authoring.own_terminal import open_shell
from range.authoring.trial import Trial
from range.authoring.trial_disks import stopped_for_disk
from range.authoring.trial_slot import running, slot
from range.authoring.trying import Desk, said_of
from range.catalog.editor_schema import refresh_schema
from range.catalog.folders import scenario_folders
from range.catalog.reader import SCENARIO_FILE, read_scenario
from range.lib.errors import RangeError
from range.runtime.registry import get_driver

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Command(BaseCommand):
    """Runs a scenario's sandbox for its author."""

    help = "Try a scenario: build, start, watch its files, check. Ctrl-C ends and removes it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept which scenario, and what to do in it."""
        parser.add_argument("folder", help="A scenario's name, or its folder.")
        parser.add_argument("--reveal", action="store_true", help="Show what was drawn.")
        parser.add_argument(
            "--choose",
            action="append",
            type=_choice,
            default=[],
            metavar="NAME=VALUE",
            help="Let a variable of type choice have this value.",
        )
        parser.add_argument("--shell", metavar="MACHINE", help="Enter a machine of a running try.")
        parser.add_argument("--as", dest="user", metavar="ACCOUNT", help="Enter it as this one.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until the author ends it, or open a shell in what runs."""
        try:
            folder = _folder(options["folder"])
            with ended_by_signals():
                if options["shell"]:
                    self._enter(folder, options["shell"], options["user"])
                else:
                    self._try(folder, options)
        except RangeError as error:
            raise CommandError(error.message) from error

    def _try(self, folder: Path, options: dict[str, Any]) -> None:
        drivers = partial(get_driver, settings.RANGE_DRIVER)
        places = Path(settings.RANGE_STATE_DIR) / "tries"
        if folder.parent == Path(settings.RANGE_SCENARIOS_DIR):
            refresh_schema(folder.parent)
        with slot(places, folder.name, drivers) as driver:
            trial = Trial(driver, folder, variant=_typed(folder, options["choose"]))
            try:
                Desk(trial, self.stdout.write, reveal=options["reveal"]).work()
            except KeyboardInterrupt:
                self.stdout.write("")
            finally:
                _let_be()
                self.stdout.write("removing it")

    def _enter(self, folder: Path, machine: str, user: str | None) -> None:
        driver, handle = running(folder.name, partial(get_driver, settings.RANGE_DRIVER))
        if machine not in handle.machines:
            raise CommandError(
                f"There is no machine {machine!r}; there are {', '.join(handle.machines)}."
            )
        console = read_scenario(folder).spec.machines[machine].console
        account = user or (console.user if console else "root")
        try:
            open_shell(driver, handle, machine, user=account)
        finally:
            if disk := stopped_for_disk(driver, machine):
                self.stdout.write(f"\n{said_of(disk)}")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let a hang-up or a polite kill end things as Ctrl-C does, even where a shell ignores that."""
    before = {each: signal.getsignal(each) for each in ENDING}
    for each in ENDING:
        signal.signal(each, _interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _let_be() -> None:
    """Leave the removal alone: a second Ctrl-C would cut it short."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)


def _folder(name: str) -> Path:
    if os.sep in name and (Path(name) / SCENARIO_FILE).is_file():
        return Path(name).resolve()
    return scenario_folders(Path(settings.RANGE_SCENARIOS_DIR), [name])[0]


def _choice(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not given:
        raise ArgumentTypeError("expected NAME=VALUE")
    return name, value


def _typed(folder: Path, choices: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the choices with values as the scenario has them: 80 is no text there."""
    if not choices:
        return {}
    variables = read_scenario(folder).spec.variables
    found: dict[str, Any] = {}
    for name, text in choices:
        options = getattr(variables.get(name), "options", ())
        if text not in map(str, options):
            known = ", ".join(map(str, options)) or "no choice of that name"
            raise CommandError(f"{name}={text}: expected one of {known}.")
        found[name] = next(each for each in options if str(each) == text)
    return found
