"""Command: bring the project's and the scenarios' articles into the tutor's index."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tutor.ingest import documents, ingest
from tutor.providers.onnx_embedding import onnx_embedding


class Command(BaseCommand):
    """Prints one line; a second run changes nothing."""

    help = "Chunk and embed tutor/knowledge and every scenario's knowledge folder."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--no-embedding", action="store_true", help="words only, no vectors")
        parser.add_argument("--strict", action="store_true", help="fail if an article is invalid")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ingest, and say what changed and what was left out.

        Raises:
            CommandError: With --strict, an article cannot be read.
        """
        model = None if options["no_embedding"] else onnx_embedding(settings.TUTOR_WEIGHTS_DIR)
        tally = ingest(documents(settings.RANGE_SCENARIOS_DIR), model)
        for problem in tally.problems:
            self.stderr.write(f"Left out: {problem}")
        if tally.problems and options["strict"]:
            raise CommandError(f"{len(tally.problems)} articles are invalid.")
        self.stdout.write(
            f"{tally.sources} articles ({tally.changed} changed, {tally.removed} removed), "
            f"{tally.chunks} passages, {tally.embedded} embedded now, {tally.waiting} waiting."
        )
