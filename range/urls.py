"""Every address of the site, by app."""

from importlib.util import find_spec

from django.urls import include, path

_APPS = [
    "range.workspace",
    "range.console",
    "range.assessment",
    "range.pipeline",
    "range.operations",
    "tutor",
]

urlpatterns = [
    path("", include(f"{app}.urls")) for app in _APPS if find_spec(app) and find_spec(f"{app}.urls")
]
