"""Addresses of the pages of frameworks and observable skills."""

from django.urls import path

from range.standards.views import alignments, frameworks, gaps, skills

EDITION = "frameworks/<slug:name>/<str:release>/"
ALIGNMENT = "alignments/<int:alignment_id>/"

urlpatterns = [
    path("frameworks/", frameworks.overview, name="frameworks"),
    path(EDITION, frameworks.framework, name="framework"),
    path(EDITION + "changes/", frameworks.changes, name="framework-changes"),
    path(EDITION + "<str:code>/", frameworks.entry, name="framework-entry"),
    path("coverage/", frameworks.coverage_page, name="coverage"),
    path("gaps/", gaps.gaps, name="gaps"),
    path("gaps/<slug:key>/", gaps.skill_gap, name="skill-gap"),
    path("observable-skills/", skills.observable_skills, name="observable-skills"),
    path("observable-skills.jsonld", skills.all_as_jsonld, name="skills-jsonld"),
    path("observable-skills/<slug:key>/", skills.observable_skill, name="observable-skill"),
    path("observable-skills/<slug:key>.jsonld", skills.one_as_jsonld, name="skill-jsonld"),
    path("alignments/", alignments.alignments, name="alignments"),
    path(ALIGNMENT, alignments.alignment, name="alignment"),
    path(ALIGNMENT + "decide/", alignments.decide, name="decide-alignment"),
]
