"""Django's entry for range.authoring."""

from django.apps import AppConfig


class AuthoringConfig(AppConfig):
    """Registers the app under the label `authoring`."""

    name = "range.authoring"
    label = "authoring"
    default_auto_field = "django.db.models.BigAutoField"
