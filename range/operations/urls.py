"""Addresses of range.operations."""

from django.urls import path

from range.operations import views

urlpatterns = [path("healthz", views.healthz, name="healthz")]
