"""Addresses of the pages of skills."""

from django.urls import path

from range.pipeline import views
from range.pipeline.agency import views as agency
from range.pipeline.exports import views as out
from range.pipeline.impact import views as impact

urlpatterns = [
    path("skills/", views.my_skills, name="my-skills"),
    path("skills/consent/", views.consent, name="consent"),
    path("skills/groups/", impact.my_groups, name="my-groups"),
    path("impact/", impact.impact, name="impact"),
    path("impact/make/", impact.make_impact, name="make-impact"),
    path("impact/switch/", impact.switch_impact, name="switch-impact"),
    path("impact/<uuid:report_id>/", impact.impact_report, name="impact-report"),
    path("impact/<uuid:report_id>/report.csv", impact.impact_csv, name="impact-csv"),
    path("people/", views.people, name="people"),
    path("people/<uuid:person_id>/", views.person, name="person"),
    path("people/<uuid:person_id>/skills/<slug:skill>/", views.person_skill, name="person-skill"),
    path("people/<uuid:person_id>/place/", agency.place_candidate, name="place-candidate"),
    path("candidates/", agency.candidates, name="candidates"),
    path("candidates/compare/", agency.compare_candidates, name="compare-candidates"),
    path("candidates/candidates.csv", agency.candidates_csv, name="candidates-csv"),
    path("candidates/keep/", agency.keep_search, name="keep-search"),
    path("candidates/asks/", agency.change_agency, name="change-agency"),
    path("candidates/searches/<uuid:search_id>/", agency.forget_search, name="forget-search"),
    path("candidates/entries/<uuid:entry_id>/undo/", agency.undo_entry, name="undo-entry"),
    path("people/<uuid:person_id>/evidence.zip", out.evidence_file, name="evidence-file"),
    path("people/<uuid:person_id>/report.pdf", out.evidence_report, name="evidence-report"),
    path("people/<uuid:person_id>/skills.csv", out.skills_csv, name="skills-csv"),
    path("people/<uuid:person_id>/evidence.csv", out.evidence_csv, name="evidence-csv"),
    path("people/<uuid:person_id>/skills.xlsx", out.workbook, name="workbook"),
    path("people/<uuid:person_id>/statements.json", out.statements, name="statements"),
    path("people/<uuid:person_id>/badge.jwt", out.badge, name="badge"),
    path("skills/case.json", out.competencies, name="competencies"),
    path("attempts/<uuid:attempt_id>/evidence.zip", out.attempt_file, name="attempt-file"),
    path("evidence/keys.json", out.evidence_keys, name="evidence-keys"),
    path("evidence/verify_evidence.py", out.verify_program, name="verify-program"),
    path("evidence/<uuid:evidence_id>/", views.evidence, name="evidence"),
]
