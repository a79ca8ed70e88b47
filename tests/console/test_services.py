import json
from datetime import timedelta

import pytest
from django.urls import reverse

from range.accounts.models import AccessRecord, Consent, Membership
from range.console import cast
from range.console.cast import Header
from range.console.models import Recording
from range.console.recorder import Recorder
from range.console.redaction import MASK
from range.console.services import moment, recordings_folder, typed_commands
from range.timeline.services import record
from tests.support.fixtures import PASSWORD as SIGN_IN

FLAG = "FLAG{K5QWIZLUMVZGKYLQ7XH2ZZ4A}"
pytestmark = pytest.mark.django_db


@pytest.fixture
def recorded(sandbox, state_dir, monkeypatch):
    """Make recordings of an attempt, each a stretch of its time."""
    monkeypatch.setattr("range.console.redacting.secrets_of", lambda *_: {FLAG: "[flag]"})

    def make(machine="box", *, starts=0, lasts=60, shown=b"$ id\r\nuid=0\r\n"):
        begun = sandbox.attempt.started_at + timedelta(seconds=starts)
        recording = Recording(
            sandbox=sandbox,
            machine=machine,
            opened_by=sandbox.attempt.trainee,
            started_at=begun,
            ended_at=None if lasts is None else begun + timedelta(seconds=lasts),
        )
        recording.path = f"{sandbox.attempt_id}/{recording.pk}.cast"
        writing = Recorder(recordings_folder() / recording.path, Header(cols=80, rows=24))
        writing.output(1000, shown[: len(shown) // 2])
        writing.output(2000, shown[len(shown) // 2 :])
        writing.close()
        recording.save()
        return recording

    return make


def at(attempt, seconds):
    return attempt.started_at + timedelta(seconds=seconds)


# --- moments ------------------------------------------------------------------------------------


def test_a_moment_lies_in_the_recording_that_was_open_then(attempt, recorded):
    first, second = recorded(starts=0, lasts=60), recorded(starts=100, lasts=60)
    assert moment(attempt, at(attempt, 30)).recording == first
    found = moment(attempt, at(attempt, 110))
    assert (found.recording, found.offset_ms) == (second, 10_000)


def test_of_two_open_at_once_it_is_the_machine_asked_for(attempt, recorded):
    box, web = recorded("box", starts=0), recorded("web", starts=10)
    assert moment(attempt, at(attempt, 20)).recording == web
    assert moment(attempt, at(attempt, 20), machine="box").recording == box
    assert moment(attempt, at(attempt, 20), machine="nowhere").recording == web


def test_outside_every_recording_it_is_the_nearest_moment_before(attempt, recorded):
    first = recorded(starts=5, lasts=60)
    assert moment(attempt, at(attempt, 0)).offset_ms == 0
    found = moment(attempt, at(attempt, 500))
    assert (found.recording, found.offset_ms) == (first, 60_000)


def test_an_open_recording_reaches_to_now(attempt, recorded):
    recorded(starts=0, lasts=10)
    running = recorded(starts=5, lasts=None)
    assert moment(attempt, at(attempt, 7)).recording == running


def test_without_recordings_there_is_no_moment(attempt):
    assert moment(attempt, at(attempt, 1)) is None


def test_typed_commands_come_in_order_and_skip_what_retention_erased(attempt):
    for number, text in enumerate(["id", "sudo -l"], start=1):
        payload = {"number": number, "machine": "box", "text": text, "exit": number - 1}
        record(attempt.pk, kind="console.command", actor="range", payload=payload)
    record(attempt.pk, kind="console.command", actor="range", payload={})
    record(attempt.pk, kind="hint.asked", actor="range", payload={"text": "no command"})
    found = typed_commands(attempt)
    assert [(c.number, c.text, c.exit_code) for c in found] == [(1, "id", 0), (2, "sudo -l", 1)]


# --- the recording itself -----------------------------------------------------------------------


def sign_in(client, person):
    client.login(username=person.username, password=SIGN_IN)
    return client


def fetched(client, recording, **query):
    response = client.get(reverse("recording", args=[recording.pk]), query)
    assert response.status_code == 200
    return response


def test_its_owner_gets_it_as_it_was_shown(client, trainee, recorded):
    recording = recorded(shown=f"cat flag\r\n{FLAG}\r\n".encode())
    response = fetched(sign_in(client, trainee), recording)
    assert response["Content-Type"] == "application/x-asciicast"
    assert "no-store" in response["Cache-Control"]
    lines = [json.loads(line) for line in response.content.splitlines()]
    assert FLAG in "".join(line[2] for line in lines[1:])
    assert AccessRecord.objects.count() == 0


def test_others_get_it_masked_and_their_look_is_written_down(client, instructor, trainee, recorded):
    recording = recorded(shown=f"cat flag\r\n\x1b[32m{FLAG}\x1b[0m\r\n".encode())
    response = fetched(sign_in(client, instructor), recording)
    text = response.content.decode()
    for length in (8, 12):
        assert not any(FLAG[n : n + length] in text for n in range(5, len(FLAG) - length))
    shown = "".join(json.loads(line)[2] for line in response.content.splitlines()[1:])
    assert MASK * len(FLAG) in shown
    look = AccessRecord.objects.get()
    assert (look.viewer, look.subject) == (instructor, trainee)


def test_an_assessor_sees_it_only_with_consent(client, assessor, agency, trainee, recorded):
    recording = recorded()
    address = reverse("recording", args=[recording.pk])
    sign_in(client, assessor)
    assert client.get(address).status_code == 404
    consent = Consent.objects.create(trainee=trainee, agency=agency)
    assert client.get(address).status_code == 200
    consent.revoked_at = consent.granted_at
    consent.save()
    assert client.get(address).status_code == 404


def test_strangers_see_neither_replay_nor_recording_and_leave_no_trace(
    client, other_trainee, attempt, recorded
):
    recording = recorded()
    for visitor in (None, other_trainee):
        if visitor:
            sign_in(client, visitor)
        for address in (
            reverse("recording", args=[recording.pk]),
            reverse("replay", args=[attempt.pk]),
        ):
            response = client.get(address)
            assert response.status_code in (302, 404)
            assert b"uid=0" not in response.content
    assert AccessRecord.objects.count() == 0


def test_an_instructor_of_another_school_is_a_stranger(client, person, agency, recorded):
    visitor = person("eve", agency, Membership.Role.INSTRUCTOR)
    recording = recorded()
    assert (
        sign_in(client, visitor).get(reverse("recording", args=[recording.pk])).status_code == 404
    )


def test_it_can_be_had_in_the_older_format_as_a_download(client, trainee, recorded):
    response = fetched(sign_in(client, trainee), recorded(), version="2", download="1")
    assert json.loads(response.content.splitlines()[0])["version"] == 2
    assert response["Content-Disposition"].startswith("attachment")


def test_a_missing_file_is_told_in_words(client, trainee, recorded):
    recording = recorded()
    (recordings_folder() / recording.path).unlink()
    response = sign_in(client, trainee).get(reverse("recording", args=[recording.pk]))
    assert response.status_code == 404
    assert b"missing or unreadable" in response.content


def test_writing_methods_are_refused(client, trainee, attempt, recorded):
    sign_in(client, trainee)
    for address in (
        reverse("replay", args=[attempt.pk]),
        reverse("recording", args=[recorded().pk]),
    ):
        assert client.post(address).status_code == 405
        assert client.delete(address).status_code == 405


# --- the replay page ----------------------------------------------------------------------------


def page_of(client, attempt, **query):
    response = client.get(reverse("replay", args=[attempt.pk]), query)
    assert response.status_code == 200
    return response, response.context["page"]


def test_the_replay_lists_recordings_and_events_on_one_line_of_time(
    client, trainee, attempt, recorded
):
    first, second = recorded("box", starts=0), recorded("web", starts=75)
    record(
        attempt.pk,
        kind="console.command",
        actor="range",
        payload={"text": "id", "machine": "web", "exit": 0, "recording": str(second.pk)},
    )
    response, page = page_of(sign_in(client, trainee), attempt)
    assert [each.id for each in page.recordings] == [str(first.pk), str(second.pk)]
    assert page.recordings[1].label == "web from 01:15"
    assert [(each.label, each.note) for each in page.events] == [("id", "web, succeeded")]
    assert b'id="replay-data"' in response.content


@pytest.mark.parametrize(
    ("query", "index", "offset"),
    [
        ({}, 0, 0),
        ({"at": "80000"}, 1, 5000),
        ({"at": "80000", "machine": "box"}, 0, 80_000),
        ({"at": "nonsense"}, 0, 0),
        ({"at": "-5"}, 0, 0),
        ({"at": "9" * 30}, 0, 0),
        ({"recording": "second", "at": "1234"}, 1, 1234),
        ({"recording": "'><script>", "at": "80000"}, 1, 5000),
    ],
)
def test_a_link_leads_to_its_moment(client, trainee, attempt, recorded, query, index, offset):
    recordings = [recorded("box", starts=0), recorded("web", starts=75)]
    if query.get("recording") == "second":
        query = query | {"recording": str(recordings[1].pk)}
    _, page = page_of(sign_in(client, trainee), attempt, **query)
    assert page.start == {"recording": str(recordings[index].pk), "at": offset}


def test_a_command_that_holds_markup_is_shown_as_text(client, trainee, attempt, recorded):
    recorded()
    text = "echo '</script><script>alert(1)</script>'"
    record(attempt.pk, kind="console.command", actor="range", payload={"text": text})
    response, _ = page_of(sign_in(client, trainee), attempt)
    assert b"<script>alert(1)" not in response.content


def test_an_attempt_without_a_recording_says_so(client, trainee, attempt, state_dir):
    response, page = page_of(sign_in(client, trainee), attempt)
    assert b"Nothing was recorded" in response.content
    assert page.start == {"recording": "", "at": 0}


def test_an_instructor_is_told_that_secrets_are_masked_and_the_look_is_seen(
    client, instructor, attempt, recorded
):
    recorded()
    response, _ = page_of(sign_in(client, instructor), attempt)
    assert b"are masked" in response.content
    assert AccessRecord.objects.get().what.startswith("the replay of")


def test_a_recording_is_read_from_its_own_folder_only(recorded):
    recording = recorded()
    assert cast.read(recordings_folder() / recording.path).events
    assert recording.path == f"{recording.sandbox.attempt_id}/{recording.pk}.cast"
