"""Django's entry for range.exercises."""

from django.apps import AppConfig


class ExercisesConfig(AppConfig):
    """Registers the app under the label `exercises`."""

    name = "range.exercises"
    label = "exercises"
    default_auto_field = "django.db.models.BigAutoField"
