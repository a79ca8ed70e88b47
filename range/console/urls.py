"""Addresses of recordings."""

from django.urls import path

from range.console import views

urlpatterns = [
    path("attempts/<uuid:attempt_id>/replay/", views.replay, name="replay"),
    path("recordings/<uuid:recording_id>.cast", views.recording, name="recording"),
]
