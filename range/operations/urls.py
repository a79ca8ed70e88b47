"""Addresses of range.operations."""

from django.urls import path

from range.operations import views

urlpatterns = [
    path("operations/capacity/", views.capacity, name="capacity"),
    path("operations/capacity/panel/", views.capacity_panel, name="capacity-panel"),
    path("metrics", views.metrics, name="metrics"),
    path("healthz", views.healthz, name="healthz"),
]
