"""The page of a class: whose machines need somebody, and that nobody else sees it."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Membership, Organisation
from range.exercises.models import Attempt
from range.sandboxes.models import MachineState, Sandbox
from range.timeline.services import record
from range.workspace.presenters.under_way import UnderWayRefused, under_way_page

pytestmark = pytest.mark.django_db
State = Sandbox.State
PAGES = ("under-way", "under-way-panel")


@pytest.fixture
def words(client, instructor):
    client.force_login(instructor)

    def read(name="under-way"):
        text = client.get(reverse(name)).content.decode()
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))

    return read


def befall(sandbox, kind, **payload):
    record(sandbox.attempt_id, kind=f"sandbox.{kind}", actor="range", payload=payload)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["trainee", "assessor"])
def test_whoever_teaches_nobody_is_refused(client, request, who, name, sandbox):
    client.force_login(request.getfixturevalue(who))
    answer = client.get(reverse(name))
    assert answer.status_code == 403
    assert str(sandbox.attempt_id) not in answer.content.decode()


def test_the_figures_themselves_ask_who_wants_them(trainee):
    with pytest.raises(UnderWayRefused):
        under_way_page(trainee)


@pytest.mark.parametrize("who", ["instructor", "administrator"])
def test_staff_sees_attempts_of_its_school(request, who, sandbox):
    page = under_way_page(request.getfixturevalue(who))
    assert [line.attempt for line in page.lines] == [sandbox.attempt]
    assert (page.lines[0].state, page.total) == ("Running", 1)


def test_staff_of_another_school_sees_neither_attempts_nor_troubles(person, sandbox):
    befall(sandbox, "lost", reason="lost")
    far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    page = under_way_page(person("fay", far, Membership.Role.INSTRUCTOR))
    assert (page.lines, page.troubles, page.total) == ([], (), 0)


def test_without_anything_it_says_so(words):
    text = words()
    assert "Nobody is at anything now." in text
    assert "None. A machine that ends" in text


def test_the_fragment_is_the_panel_alone_and_asks_for_itself_again(client, instructor):
    client.force_login(instructor)
    text = client.get(reverse("under-way-panel")).content.decode().strip()
    assert text.startswith('<div class="capacity" id="under-way-panel"')
    assert "every 5s" in text
    assert "<html" not in text


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"state": State.REQUESTED}, "Queued"),
        ({"state": State.STARTING}, "Starting"),
        ({"paused_at": timezone.now()}, "Paused"),
        ({"state": State.STOPPED}, "No machines"),
        ({"state": State.FAILED, "reason": "lost"}, "Failed"),
    ],
)
def test_the_state_of_the_machines_is_told(instructor, sandbox, fields, state):
    Sandbox.objects.update(**fields)
    (line,) = under_way_page(instructor).lines
    assert line.state == state


def test_only_the_newest_sandbox_of_an_attempt_counts(instructor, sandbox):
    Sandbox.objects.update(state=State.FAILED, requested_at=timezone.now() - timedelta(hours=1))
    later = timezone.now() + timedelta(hours=1)
    Sandbox.objects.create(attempt=sandbox.attempt, epoch=2, expires_at=later)
    (line,) = under_way_page(instructor).lines
    assert line.state == "Queued"


def test_a_graded_attempt_is_not_under_way(instructor, attempt, sandbox):
    Attempt.objects.update(state=Attempt.State.GRADED)
    assert under_way_page(instructor).total == 0


@pytest.mark.parametrize(
    ("fields", "tone", "text"),
    [
        ({"ended_at": timezone.now()}, "danger", "box ended unexpectedly"),
        (
            {"ended_at": timezone.now(), "end_reason": "out-of-memory"},
            "danger",
            "box ended: out of memory",
        ),
        (
            {"ended_at": timezone.now(), "end_reason": "disk-full"},
            "danger",
            "box was stopped: its disk is full",
        ),
        (
            {"ended_at": timezone.now(), "end_reason": "reset-failed"},
            "danger",
            "box could not be reset",
        ),
        ({"out_of_memory_at": timezone.now()}, "warn", "box ran out of memory and goes on"),
        ({"disk_low_at": timezone.now()}, "warn", "the disk of box is nearly full"),
        ({"reset": "UNDERWAY", "ended_at": timezone.now()}, "busy", "box is being reset"),
    ],
)
def test_what_is_the_matter_with_a_machine_is_told(instructor, sandbox, fields, tone, text):
    MachineState.objects.create(sandbox=sandbox, machine="box", **fields)
    (line,) = under_way_page(instructor).lines
    (remark,) = line.remarks
    assert (remark.tone, remark.text) == (tone, text)
    assert line.state == ("Running in part" if tone == "danger" else "Running")


def test_whoever_needs_somebody_stands_first(instructor, add_sandbox):
    calm, full, ended = (add_sandbox(State.RUNNING) for _ in range(3))
    now = timezone.now()
    MachineState.objects.create(sandbox=full, machine="box", disk_low_at=now)
    MachineState.objects.create(sandbox=ended, machine="box", ended_at=now)
    lines = under_way_page(instructor).lines
    assert [line.attempt for line in lines] == [each.attempt for each in (ended, full, calm)]


def test_what_befell_machines_is_told_with_machine_cause_and_a_way_to_the_moment(
    client, instructor, words, sandbox
):
    befall(sandbox, "machine_died", machine="box", exit_code=137, reason="out-of-memory")
    befall(sandbox, "disk_low", machine="cave", hidden=True, reason="disk-low")
    text = words()
    newest = text.partition("What happened")[2]
    assert "tia Small box A machine ended unexpectedly: exit code 137, it ran out of memory" in text
    assert newest.index("cave") < newest.index("box")
    page = client.get(reverse("under-way")).content.decode()
    (moment,) = set(re.findall(r'href="([^"]+\?at=\d+)"', page)[1:])
    assert client.get(moment).status_code == 200


def test_troubles_of_another_day_are_left_out(instructor, sandbox):
    befall(sandbox, "lost", reason="lost")
    Sandbox.objects.update(state=State.FAILED, stopped_at=timezone.now() - timedelta(days=2))
    assert under_way_page(instructor).troubles == ()


def test_a_class_takes_no_more_queries_than_one(
    client, instructor, add_sandbox, django_assert_max_num_queries
):
    for _ in range(8):
        sandbox = add_sandbox(State.RUNNING)
        MachineState.objects.create(sandbox=sandbox, machine="box", ended_at=timezone.now())
        befall(sandbox, "machine_died", machine="box", reason="ended")
    client.force_login(instructor)
    with django_assert_max_num_queries(12):
        client.get(reverse("under-way-panel"))
