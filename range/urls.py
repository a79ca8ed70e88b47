"""Every address of the site, by app."""

from django.urls import include, path

urlpatterns = [
    path("", include("range.workspace.urls")),
    path("", include("range.teaching.urls")),
    path("", include("range.authoring.urls")),
    path("", include("range.workshop.urls")),
    path("", include("range.console.urls")),
    path("", include("range.assessment.urls")),
    path("", include("range.pipeline.urls")),
    path("", include("range.standards.urls")),
    path("", include("range.operations.urls")),
    path("", include("tutor.urls")),
]
