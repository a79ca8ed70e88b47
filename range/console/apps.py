"""Django's entry for range.console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Registers the app under the label `console`."""

    name = "range.console"
    label = "console"
    default_auto_field = "django.db.models.BigAutoField"
