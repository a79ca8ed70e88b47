"""Let authors' machines start from an image that a folder makes, or withdraw one."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from range.authoring.builder import Builder
from range.catalog.allowed_images import allow, withdraw
from range.catalog.models import AllowedImage
from range.lib.errors import RangeError


class Command(BaseCommand):
    """Adds to the catalogue of images, and builds what it adds."""

    help = "Let authors' machines start from an image; lists the catalogue without a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept a folder with a Dockerfile, and what authors are told of it."""
        parser.add_argument("folder", nargs="?", type=Path)
        parser.add_argument("--name", help="What authors write; the folder's name by default.")
        parser.add_argument("--description", help="What it is for, in one line.")
        parser.add_argument("--has", default="", help="What it has; its packages by default.")
        parser.add_argument("--withdraw", metavar="NAME", help="Offer this one no more.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Allow and build, withdraw, or list."""
        if options["withdraw"]:
            self._withdraw(options["withdraw"])
        elif options["folder"] is None:
            for image in AllowedImage.objects.filter(withdrawn_at=None).order_by("name"):
                self._tell(image)
        else:
            self._allow(options)

    def _allow(self, options: dict[str, Any]) -> None:
        folder: Path = options["folder"]
        if not options["description"]:
            raise CommandError("Say what it is for: --description 'A web server with PHP'.")
        try:
            image = allow(
                folder,
                name=options["name"] or folder.resolve().name,
                description=options["description"],
                contents=options["has"],
            )
            while not image.tag and not image.detail and Builder().build_allowed():
                image.refresh_from_db()
        except RangeError as error:
            raise CommandError(error.message) from error
        if image.detail:
            raise CommandError(f"Allowed, but it cannot be built.\n{image.detail}")
        self._tell(image)

    def _withdraw(self, name: str) -> None:
        image = AllowedImage.objects.filter(name=name, withdrawn_at=None).first()
        if image is None:
            raise CommandError(f"There is no image {name!r} to withdraw.")
        withdraw(image.pk)
        self.stdout.write(f"{name} is offered to nobody any more.")

    def _tell(self, image: AllowedImage) -> None:
        size = filesizeformat(image.size_bytes) if image.size_bytes else "not built yet"
        self.stdout.write(f"{image.name:<20} {size:<10} {image.description}")
