"""Django's entry for range.sandboxes."""

from django.apps import AppConfig


class SandboxesConfig(AppConfig):
    """Registers the app under the label `sandboxes`."""

    name = "range.sandboxes"
    label = "sandboxes"
    default_auto_field = "django.db.models.BigAutoField"
