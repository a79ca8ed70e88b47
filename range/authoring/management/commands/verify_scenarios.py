"""Verify scenarios on the real engine: fresh, wrong solutions, reference, foreign flags."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from range.authoring.plan import PlannedRun
from range.authoring.trial_disks import disk_of, end_full, is_full, watched
from range.authoring.trying import said_of
from range.authoring.verification import Follower, RunResult, Verification
from range.authoring.verification_report import as_json, as_junit, as_text
from range.authoring.verified import last_verified, own_log, project_record
from range.authoring.verify import Verifier
from range.catalog.folders import scenario_folders
from range.catalog.models import ScenarioVersion
from range.catalog.reader import read_scenario
from range.lib.errors import RangeError
from range.runtime import options as driver_options
from range.runtime.driver import Driver
from range.runtime.registry import get_driver


class Command(BaseCommand):
    """Verifies scenario folders; needs the engine, and no database."""

    help = "Carry out reference and wrong solutions in real sandboxes and compare."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept which scenarios and runs, and how to report."""
        parser.add_argument("slug", nargs="*")
        parser.add_argument("--json", action="store_true", help="One JSON object a scenario.")
        parser.add_argument("--junit", type=Path, metavar="FILE")
        parser.add_argument("--changed", action="store_true", help="Leave out what passed before.")
        parser.add_argument("--only", metavar="TEXT", help="Runs whose name holds this text.")
        parser.add_argument(
            "--record",
            type=Path,
            metavar="FOLDER",
            help="Type the solutions on consoles, and leave their recordings in FOLDER.",
        )
        parser.add_argument("--parallel", type=int, default=2, metavar="N")
        parser.add_argument(
            "--note",
            action="store_true",
            help="Note what passes in the record that is committed with the scenarios.",
        )
        parser.add_argument(
            "--repeat",
            type=int,
            default=1,
            metavar="N",
            help="Verify each N times, with other values drawn, and tell how many failed.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify each scenario, print what differed, and end with status 1 if anything did."""
        try:
            folders = scenario_folders(Path(settings.RANGE_SCENARIOS_DIR), options["slug"])
            if options["changed"]:
                folders = [each for each in folders if not self._is_known(each, options)]
            results = [
                self._verify(folder, options)
                for folder in folders
                for _ in range(options["repeat"])
            ]
        except RangeError as error:
            raise CommandError(error.message) from error
        if options["junit"] is not None:
            options["junit"].write_bytes(as_junit(results))
        if options["repeat"] > 1:
            failed = sum(not result.passed for result in results)
            self.stdout.write(f"{len(results)} repeats, {failed} failed")
        differing = sorted({result.id for result in results if not result.passed})
        if differing:
            raise CommandError(f"Not verified: {', '.join(differing)}.")

    def _verify(self, folder: Path, options: dict[str, Any]) -> Verification:
        # Containers of an installation of its own: a running range must not reap them.
        chosen = replace(driver_options.current(), installation=f"verify-{os.getpid()}")
        verifier = Verifier(
            driver=get_driver(settings.RANGE_DRIVER, chosen),
            parallel=options["parallel"],
            record_in=options["record"],
            follower=Follower() if options["json"] else _Lines(folder.name, self.stdout.write),
        )
        with watched(verifier.driver, self._end_full):
            result = verifier.verify(folder, only=_only(options["only"]))
        if result.passed and not options["only"]:
            own_log().add(result.id, result.digest)
            if options["note"]:
                project_record().add(result.id, result.digest)
            _date(result)
        at = last_verified(result.digest)
        self.stdout.write(as_json(result, verified_at=at) if options["json"] else as_text(result))
        return result

    def _end_full(self, driver: Driver) -> None:
        for each in end_full(driver):
            if each.is_running and is_full(each):
                self.stderr.write(said_of(disk_of(each)))

    def _is_known(self, folder: Path, options: dict[str, Any]) -> bool:
        at = last_verified(_digest(folder))
        if at is not None and not options["json"]:
            self.stdout.write(f"{folder.name}: unchanged since it was verified on {at[:10]}")
        return at is not None


class _Lines(Follower):
    """Writes a line about each run as it ends."""

    def __init__(self, slug: str, tell: Callable[[str], object]) -> None:
        self._slug, self._tell = slug, tell

    def ended(self, run: PlannedRun, result: RunResult) -> None:
        """Write the line of a run."""
        state = "as expected" if result.is_as_expected else "DIFFERS"
        self._tell(f"{self._slug} {result.name}: {state} ({result.seconds:.1f} s)")


def _only(text: str | None) -> Callable[[PlannedRun], bool] | None:
    return None if text is None else lambda run: text in run.label


def _digest(folder: Path) -> str:
    try:
        return read_scenario(folder).digest
    except RangeError:
        # What is wrong with the folder is told where it is verified.
        return ""


def _date(result: Verification) -> None:
    """Date the published version, where there is a database that has it."""
    try:
        ScenarioVersion.objects.filter(digest=result.digest).update(verified_at=timezone.now())
    except DatabaseError:
        return
