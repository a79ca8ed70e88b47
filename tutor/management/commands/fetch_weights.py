"""Command: bring the tutor's pinned weights here and verify them."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tutor.providers.fetching import fetch
from tutor.providers.weights import CHAT_MODEL, TOKENIZER, Weights, WeightsInvalid


class Command(BaseCommand):
    """Fetches what is missing; what is here and right is left alone."""

    help = "Fetch and verify the embedding tokenizer (0.5 MB) or the local chat model (1.1 GB)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--tokenizer", action="store_true", help="only the tokenizer (default)")
        which.add_argument("--model", action="store_true", help="only the chat model")
        which.add_argument("--all", action="store_true", help="both")
        parser.add_argument("--path", type=Path, help="a copy on this machine")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Fetch, and print a line for each file.

        Raises:
            CommandError: A file could not be had, or is not the pinned one.
        """
        wanted = self._wanted(options)
        if options["path"] and len(wanted) > 1:
            raise CommandError("--path gives one file; name it with --tokenizer or --model.")
        for weights in wanted:
            try:
                path = fetch(weights, settings.TUTOR_WEIGHTS_DIR, path=options["path"])
            except WeightsInvalid as error:
                raise CommandError(error.message) from error
            self.stdout.write(f"{path} is here and verified ({weights.license}).")

    @staticmethod
    def _wanted(options: dict[str, Any]) -> list[Weights]:
        if options["all"]:
            return [TOKENIZER, CHAT_MODEL]
        return [CHAT_MODEL] if options["model"] else [TOKENIZER]
