"""Addresses of the tutor; pages reach them by name, so that it can be left out."""

from django.urls import path

from tutor import knowledge_views, teaching_views, views

EXERCISE = "teaching/exercises/<uuid:exercise_id>/tutor/"
SOURCE = "teaching/knowledge/sources/<uuid:source_id>/"

urlpatterns = [
    path("teaching/tutor/", teaching_views.tutor_exercises, name="tutor-exercises"),
    path(EXERCISE, teaching_views.tutor_class, name="tutor-class"),
    path(EXERCISE + "lately/", teaching_views.tutor_lately, name="tutor-lately"),
    path(EXERCISE + "settings/", teaching_views.tutor_settings, name="tutor-settings"),
    path(EXERCISE + "hints/", teaching_views.tutor_hints, name="tutor-hints"),
    path(EXERCISE + "hints/<uuid:hint_id>/", teaching_views.tutor_hint, name="tutor-hint"),
    path(EXERCISE + "hints/<uuid:hint_id>/note/", teaching_views.note_hint, name="note-hint"),
    path("attempts/<uuid:attempt_id>/tutor/", views.tutor_panel, name="tutor-panel"),
    path("attempts/<uuid:attempt_id>/tutor/ask/", views.ask_hint, name="ask-hint"),
    path("attempts/<uuid:attempt_id>/tutor/offer/", views.tutor_offer, name="tutor-offer"),
    path(
        "attempts/<uuid:attempt_id>/tutor/hints/<uuid:hint_id>/rating/",
        views.hint_rating,
        name="hint-rating",
    ),
    path(
        "attempts/<uuid:attempt_id>/tutor/hints/<uuid:hint_id>/stream/",
        views.hint_stream,
        name="hint-stream",
    ),
    path(
        "attempts/<uuid:attempt_id>/tutor/hints/<uuid:hint_id>/sources/<int:number>/",
        views.citation,
        name="citation",
    ),
    path(
        "attempts/<uuid:attempt_id>/tutor/debrief/", views.debrief_account, name="debrief-account"
    ),
    path("teaching/knowledge/", knowledge_views.knowledge, name="knowledge"),
    path("teaching/knowledge/add/", knowledge_views.add_knowledge, name="add-knowledge"),
    path(
        "teaching/knowledge/uploads/<uuid:upload_id>/",
        knowledge_views.knowledge_upload,
        name="knowledge-upload",
    ),
    path(SOURCE, knowledge_views.knowledge_source, name="knowledge-source"),
    path(SOURCE + "progress/", knowledge_views.knowledge_progress, name="knowledge-progress"),
    path(SOURCE + "replace/", knowledge_views.replace_knowledge, name="replace-knowledge"),
    path(SOURCE + "withdraw/", knowledge_views.withdraw_knowledge, name="withdraw-knowledge"),
]
