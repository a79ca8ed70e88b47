"""Django's entry for tutor."""

from django.apps import AppConfig


class TutorConfig(AppConfig):
    """Registers the app under the label `tutor`."""

    name = "tutor"
    label = "tutor"
    default_auto_field = "django.db.models.BigAutoField"
