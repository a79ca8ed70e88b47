"""Django's entry for the composition root."""

from django.apps import AppConfig


class RangeConfig(AppConfig):
    """Registers the root's management commands and joins libraries to Django."""

    name = "range"
    label = "range"

    def ready(self) -> None:
        """Let `notify` take part in Django's transactions."""
        from django.db import connection

        from range.lib.notify import use_connection

        use_connection(lambda: connection)
