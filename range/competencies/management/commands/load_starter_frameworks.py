"""Command: write the starter slice of frameworks, skills and alignments into the database."""

from typing import Any

from django.core.management.base import BaseCommand

from range.competencies import services
from range.competencies.models import Framework, ObservableSkill


class Command(BaseCommand):
    """Loads the slice; a second run changes nothing."""

    help = "Load the starter slice of NICE and DCWF roles, our observable skills and alignments."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load and say what stands now."""
        services.load_starter()
        self.stdout.write(
            f"{Framework.objects.sealed().count()} framework editions, "
            f"{ObservableSkill.objects.count()} observable skills."
        )
