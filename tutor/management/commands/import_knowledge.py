"""Command: bring a public collection or the machines' manual pages into the tutor's index."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.accounts.models import Organisation
from range.lib.errors import RangeError
from tutor import importing
from tutor.chunking import Article
from tutor.importers.reading import About
from tutor.importing import MANUAL, READERS, Scope
from tutor.ingest import embed_waiting
from tutor.providers.onnx_embedding import onnx_embedding

SHOWN = 3
SHOWN_CHARACTERS = 400


class Command(BaseCommand):
    """Prints one line; a second run of the same files changes nothing."""

    help = (
        "Import ATT&CK (STIX), CWE (XML), Sigma rules, tldr pages, a folder of Markdown, or the "
        "manual pages of machines' images."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("kind", choices=[*sorted(READERS), MANUAL])
        parser.add_argument("path", nargs="?", type=Path, help="the official file or folder")
        parser.add_argument("--name", default="", help="what the collection is called")
        parser.add_argument("--edition", default="", help="its version, where no file says it")
        parser.add_argument("--license", default="", help="its licence, where no file says it")
        parser.add_argument("--url", default="", help="where it can be read")
        parser.add_argument("--scenario", default="", help="for this scenario alone")
        parser.add_argument("--organisation", default="", help="slug, for its trainees alone")
        parser.add_argument("--min-rung", type=int, choices=range(5), help="from which rung on")
        parser.add_argument("--spoils", action="store_true", help="for the top rung alone")
        parser.add_argument("--preview", action="store_true", help="show chunks, write nothing")
        parser.add_argument("--remove", action="store_true", help="take the collection out")
        parser.add_argument("--no-embedding", action="store_true", help="the worker embeds it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import, preview or remove.

        Raises:
            CommandError: The files are not there or not what they should be.
        """
        scope = Scope(
            name=options["name"] or options["kind"],
            scenario=options["scenario"],
            organisation_id=self._organisation(options["organisation"]),
        )
        if options["remove"]:
            self.stdout.write(f"{importing.remove(scope.collection)} sources removed.")
            return
        try:
            articles = self._read(options)
        except RangeError as error:
            raise CommandError(error.message) from error
        if options["preview"]:
            self._preview(articles)
            return
        tally = importing.bring(articles, scope, model=None)
        self.stdout.write(
            f"{scope.collection}: {tally.sources} sources ({tally.changed} changed, "
            f"{tally.removed} removed), {tally.chunks} passages in the index."
        )
        if not options["no_embedding"]:
            done = embed_waiting(onnx_embedding(settings.TUTOR_WEIGHTS_DIR))
            self.stdout.write(f"{done} embedded now.")

    def _read(self, options: dict[str, Any]) -> list[Article]:
        about = About(
            version=options["edition"],
            license=options["license"],
            url=options["url"],
            min_rung=options["min_rung"],
            spoils=options["spoils"],
        )
        if options["kind"] == MANUAL:
            return importing.read_manual(
                settings.RANGE_SCENARIOS_DIR, about, scenario=options["scenario"]
            )
        if options["path"] is None:
            raise CommandError("Name the file or folder to import.")
        if options["kind"] == "markdown" and not (options["name"] and options["license"]):
            raise CommandError("A folder of Markdown needs --name and --license.")
        return importing.read(options["kind"], options["path"], about)

    def _organisation(self, slug: str) -> Any:
        if not slug:
            return None
        found = Organisation.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f"There is no organisation {slug}.")
        return found.pk

    def _preview(self, articles: list[Article]) -> None:
        chunks = sum(len(article.pieces) for article in articles)
        self.stdout.write(f"{len(articles)} sources, {chunks} passages; nothing was written.")
        for article in articles[:SHOWN]:
            piece, front = article.pieces[0], article.front
            self.stdout.write(
                f"\n{front.title} ({front.version}, {front.license}), from rung {piece.min_rung}"
                f"\n  {piece.heading}\n{piece.text[:SHOWN_CHARACTERS]}"
            )
