"""Addresses of the instructor's queue, and of grades taken apart."""

from django.urls import path

from range.assessment import views

urlpatterns = [
    path("review/", views.review_queue, name="review-queue"),
    path("review/agreement/", views.review_agreement, name="review-agreement"),
    path("review/<uuid:item_id>/", views.review_item, name="review-item"),
    path("review/attempts/<uuid:attempt_id>/", views.grade_review, name="grade-review"),
    path("evidence/<uuid:evidence_id>/contest/", views.contest_evidence, name="contest-evidence"),
    path("appeals/<uuid:appeal_id>/answer/", views.answer_appeal, name="answer-appeal"),
]
