"""Django's entry for range.console."""

from django.apps import AppConfig
from django.core.checks import register


class ConsoleConfig(AppConfig):
    """Registers the app under the label `console`."""

    name = "range.console"
    label = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have every start refuse settings that would lock everybody out of the consoles."""
        from range.console.checks import sessions_are_rows

        register(sessions_are_rows)
