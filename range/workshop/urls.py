"""Addresses of the pages of whoever writes scenarios."""

from django.urls import path

from range.workshop.views import desk, drafts, files, publishing, scenarios

DRAFT = "workshop/drafts/<uuid:draft_id>/"
SCENARIO = "workshop/scenarios/<slug:slug>/"
VERSION = "workshop/versions/<uuid:version_id>/"

urlpatterns = [
    path("workshop/", desk.workshop, name="workshop"),
    path("workshop/new/", desk.new_draft, name="new-draft"),
    path("workshop/import/", desk.import_drafts, name="import-drafts"),
    path("workshop/schema/", desk.scenario_schema, name="scenario-schema"),
    path(DRAFT, drafts.draft, name="draft"),
    path(DRAFT + "side/", drafts.draft_side, name="draft-side"),
    path(DRAFT + "archive/", drafts.archive_draft, name="archive-draft"),
    path(DRAFT + "report/", drafts.put_report_away, name="put-report-away"),
    path(DRAFT + "export/", drafts.export_draft, name="export-draft"),
    path(DRAFT + "history/", drafts.draft_history, name="draft-history"),
    path(DRAFT + "history/<int:number>/", drafts.change_revision, name="change-revision"),
    path(DRAFT + "changes/", drafts.draft_changes, name="draft-changes"),
    path(DRAFT + "file/", files.draft_file, name="draft-file"),
    path(DRAFT + "download/", files.download_file, name="download-file"),
    path(DRAFT + "save/", files.save_draft, name="save-draft"),
    path(DRAFT + "files/", files.draft_files, name="draft-files"),
    path(DRAFT + "publish/", publishing.publish_draft, name="publish-draft"),
    path(SCENARIO, scenarios.scenario_versions, name="scenario-versions"),
    path(SCENARIO + "compare/", scenarios.compare_versions, name="compare-versions"),
    path(SCENARIO + "retire/", publishing.retire_scenario, name="retire-scenario"),
    path(VERSION + "open/", scenarios.open_version, name="open-version"),
    path(VERSION + "export/", scenarios.export_version, name="export-version"),
]
