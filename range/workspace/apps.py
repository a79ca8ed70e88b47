"""Django's entry for range.workspace."""

from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    """Registers the app under the label `workspace`."""

    name = "range.workspace"
    label = "workspace"
    default_auto_field = "django.db.models.BigAutoField"
