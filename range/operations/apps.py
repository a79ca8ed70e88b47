"""Django's entry for range.operations."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Registers the app under the label `operations`."""

    name = "range.operations"
    label = "operations"
    default_auto_field = "django.db.models.BigAutoField"
