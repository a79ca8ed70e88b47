"""Addresses of the pages that trainees work in."""

from django.urls import path

from range.workspace.views import (
    actions,
    attempt,
    consoles,
    debrief,
    entry,
    looking,
    messages,
    scenarios,
    stream,
    under_way,
    web_view,
)

urlpatterns = [
    path("", entry.home, name="home"),
    path("sign-in/", entry.sign_in, name="sign-in"),
    path("sign-out/", entry.sign_out, name="sign-out"),
    path("choose-password/", entry.choose_password, name="choose-password"),
    path("catalogue/", scenarios.catalogue, name="catalogue"),
    path("catalogue/<slug:slug>/card/", scenarios.scenario_card, name="scenario-card"),
    path("scenarios/<slug:slug>/", scenarios.scenario, name="scenario"),
    path("scenarios/<slug:slug>/launch-panel/", scenarios.launch_panel, name="launch-panel"),
    path("scenarios/<slug:slug>/launch/", scenarios.launch, name="launch"),
    path("under-way/", under_way.under_way, name="under-way"),
    path("under-way/panel/", under_way.under_way_panel, name="under-way-panel"),
    path("exercises/<uuid:exercise_id>/wall/", looking.exercise_wall, name="exercise-wall"),
    path("attempts/<uuid:attempt_id>/look/", looking.look, name="look"),
    path("attempts/<uuid:attempt_id>/", attempt.workspace, name="workspace"),
    path("attempts/<uuid:attempt_id>/stream/", stream.attempt_stream, name="attempt-stream"),
    path("attempts/<uuid:attempt_id>/sandbox/", attempt.sandbox_panel, name="sandbox-panel"),
    path("attempts/<uuid:attempt_id>/consoles/", attempt.consoles_panel, name="consoles-panel"),
    path("attempts/<uuid:attempt_id>/consoles/news/", consoles.console_news, name="console-news"),
    path("attempts/<uuid:attempt_id>/open-console/", consoles.open_console, name="open-console"),
    path("attempts/<uuid:attempt_id>/close-console/", consoles.close_console, name="close-console"),
    path(
        "attempts/<uuid:attempt_id>/objectives/", attempt.objectives_panel, name="objectives-panel"
    ),
    path("attempts/<uuid:attempt_id>/web-view/", web_view.open_web_view, name="open-web-view"),
    path("attempts/<uuid:attempt_id>/messages/", messages.messages_panel, name="messages-panel"),
    path(
        "attempts/<uuid:attempt_id>/messages/dismiss/",
        messages.dismiss_message,
        name="dismiss-message",
    ),
    path("attempts/<uuid:attempt_id>/answer/", actions.submit_answer, name="submit-answer"),
    path("attempts/<uuid:attempt_id>/check/", actions.run_checks, name="run-checks"),
    path("attempts/<uuid:attempt_id>/stop/", actions.stop_sandbox, name="stop-sandbox"),
    path("attempts/<uuid:attempt_id>/reset/", actions.reset_sandbox, name="reset-sandbox"),
    path("attempts/<uuid:attempt_id>/reset-machine/", actions.reset_machine, name="reset-machine"),
    path("attempts/<uuid:attempt_id>/extend/", actions.extend_sandbox, name="extend-sandbox"),
    path("attempts/<uuid:attempt_id>/finish/", actions.finish_attempt, name="finish-attempt"),
    path("attempts/<uuid:attempt_id>/debrief/", debrief.debrief, name="debrief"),
    path("attempts/<uuid:attempt_id>/grade/", debrief.grade_panel, name="grade-panel"),
]
