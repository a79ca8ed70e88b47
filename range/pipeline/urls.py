"""Addresses of the pages of skills."""

from django.urls import path

from range.pipeline import views

urlpatterns = [
    path("skills/", views.my_skills, name="my-skills"),
    path("skills/consent/", views.consent, name="consent"),
    path("people/", views.people, name="people"),
    path("people/<uuid:person_id>/", views.person, name="person"),
    path("evidence/<uuid:evidence_id>/", views.evidence, name="evidence"),
]
