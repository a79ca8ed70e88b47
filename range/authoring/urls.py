"""Addresses of range.authoring."""

from django.urls import path

from range.authoring.views import images, stream, trial, verification

urlpatterns = [
    path("workshop/drafts/<uuid:draft_id>/verify/", verification.verify_draft, name="verify-draft"),
    path(
        "workshop/versions/<uuid:version_id>/verify/",
        verification.verify_version,
        name="verify-version",
    ),
    path("workshop/verifications/<uuid:run_id>/", verification.verification, name="verification"),
    path(
        "workshop/verifications/<uuid:run_id>/panel/",
        verification.verification_panel,
        name="verification-panel",
    ),
    path(
        "workshop/verifications/<uuid:run_id>/stream/",
        stream.verification_stream,
        name="verification-stream",
    ),
    path(
        "workshop/verifications/<uuid:run_id>/stop/",
        verification.stop_verification,
        name="stop-verification",
    ),
    path("workshop/drafts/<uuid:draft_id>/try/", trial.try_draft, name="try-draft"),
    path("workshop/trials/<uuid:trial_id>/", trial.trial, name="trial"),
    path("workshop/trials/<uuid:trial_id>/panel/", trial.trial_panel, name="trial-panel"),
    path("workshop/trials/<uuid:trial_id>/stream/", stream.trial_stream, name="trial-stream"),
    path("workshop/trials/<uuid:trial_id>/end/", trial.end_trial, name="end-trial"),
    path("workshop/trials/<uuid:trial_id>/<slug:what>/", trial.order_trial, name="order-trial"),
    path("workshop/images/", images.images, name="images"),
    path("workshop/images/allow/", images.allow_image, name="allow-image"),
    path("workshop/images/<uuid:image_id>/withdraw/", images.withdraw_image, name="withdraw-image"),
    path("workshop/images/<uuid:image_id>/restore/", images.restore_image, name="restore-image"),
]
