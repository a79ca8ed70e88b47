"""Addresses of the pages of whoever teaches, and of links into cohorts."""

from django.urls import path

from range.teaching.views import at_work, cohorts, exercises, joining, people, roles

COHORT = "teaching/cohorts/<uuid:cohort_id>/"
EXERCISE = "teaching/exercises/<uuid:exercise_id>/"
TRAINEE = EXERCISE + "trainees/<uuid:person_id>/"

urlpatterns = [
    path("join/<str:token>/", joining.join, name="join"),
    path("teaching/", cohorts.teaching, name="teaching"),
    path("teaching/cohorts/", cohorts.make_cohort, name="make-cohort"),
    path(COHORT, cohorts.cohort, name="cohort"),
    path(COHORT + "change/", cohorts.change_cohort, name="change-cohort"),
    path(COHORT + "links/", cohorts.invite, name="invite"),
    path(
        COHORT + "links/<uuid:invitation_id>/revoke/",
        cohorts.revoke_invitation,
        name="revoke-invitation",
    ),
    path(COHORT + "people/", people.add_people, name="add-people"),
    path(
        COHORT + "people/<uuid:person_id>/<slug:action>/",
        cohorts.change_member,
        name="change-member",
    ),
    path("teaching/roles/", roles.roles, name="roles-asked"),
    path("teaching/roles/<str:code>/", roles.role, name="role-requirements"),
    path("teaching/exercises/assign/", exercises.assign_exercise, name="assign-exercise"),
    path(EXERCISE, at_work.exercise, name="exercise"),
    path(EXERCISE + "panel/", at_work.exercise_panel, name="exercise-panel"),
    path(EXERCISE + "change/", exercises.change_exercise, name="change-exercise"),
    path(EXERCISE + "window/", exercises.extend_window, name="extend-window"),
    path(EXERCISE + "close/", at_work.close_exercise, name="close-exercise"),
    path(EXERCISE + "message/", at_work.send_message, name="send-message"),
    path(EXERCISE + "all/<slug:action>/", at_work.steer_all, name="steer-all"),
    path(TRAINEE, at_work.exercise_trainee, name="exercise-trainee"),
    path(TRAINEE + "<slug:action>/", at_work.steer_one, name="steer-one"),
]
