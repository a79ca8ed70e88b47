"""Settings of the console role: the range's own, without the apps that it meets no row of."""

from range.settings import *  # noqa: F403

# Its own layer and those below it, which know nothing of what stands above (pyproject.toml,
# "layers"): each app more is memory of a process that has nothing else to do with it.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "range.apps.RangeConfig",
    "range.accounts.apps.AccountsConfig",
    "range.competencies.apps.CompetenciesConfig",
    "range.timeline.apps.TimelineConfig",
    "range.catalog.apps.CatalogConfig",
    "range.exercises.apps.ExercisesConfig",
    "range.sandboxes.apps.SandboxesConfig",
    "range.console.apps.ConsoleConfig",
]
