"""The capacity page: who may see it, and that every figure on it comes from rows or machine."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Membership, Organisation
from range.catalog.models import ScenarioVersion
from range.exercises.models import Attempt
from range.operations import capacity, room, status
from range.operations.capacity import CapacityRefused, capacity_page, disk_text, memory_text
from range.operations.room import Disk, Memory
from range.operations.status import RoleState, RoleStatus
from range.sandboxes.models import Refusal, Sandbox, Spare
from range.timeline.services import record

pytestmark = pytest.mark.django_db
State = Sandbox.State
PAGES = ("capacity", "capacity-panel")


def set_memory(monkeypatch, **figures):
    monkeypatch.setattr(room, "memory", lambda **promised: Memory(**figures, **promised))


@pytest.fixture(autouse=True)
def machine(monkeypatch, state_dir, settings):
    """A machine of known size, and a state folder without a supervisor."""
    set_memory(monkeypatch, total_mb=8192, available_mb=4096, kept_mb=512)
    monkeypatch.setattr(room, "engine_folder", lambda: state_dir)


def words(client, name="capacity"):
    text = client.get(reverse(name)).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.fixture
def operator(client, administrator):
    client.force_login(administrator)
    return client


# --- who may see it ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["trainee", "instructor", "assessor"])
def test_only_administrators_see_it(client, request, who, name):
    client.force_login(request.getfixturevalue(who))
    assert client.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", PAGES)
def test_nobody_signed_in_is_sent_to_sign_in(client, name):
    assert client.get(reverse(name)).status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_an_administrator_sees_it_and_nothing_keeps_it(operator, name):
    answer = operator.get(reverse(name))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_the_figures_themselves_ask_who_wants_them(trainee):
    with pytest.raises(CapacityRefused):
        capacity_page(trainee)


# --- the fragment -----------------------------------------------------------------------------


def test_the_fragment_is_the_panel_alone_and_asks_for_itself_again(operator):
    text = operator.get(reverse("capacity-panel")).content.decode().strip()
    assert text.startswith('<div class="capacity" id="capacity-panel"')
    assert f'hx-get="{reverse("capacity-panel")}"' in text
    assert "every 5s" in text
    assert "<html" not in text


# --- what it shows ----------------------------------------------------------------------------


def test_an_empty_range_says_what_to_do_in_every_part(operator):
    text = words(operator)
    for sentence in (
        "Nothing needs you now",
        "No sandbox now.",
        "Nobody waits.",
        "manage.py publish_scenarios",
        "Nothing was launched.",
        "Start the range with bin/up",
    ):
        assert sentence in text


def test_sandboxes_stand_under_their_states(add_sandbox, administrator):
    for state in (State.REQUESTED, State.RUNNING, State.RUNNING, State.STOPPING):
        add_sandbox(state)
    page = capacity_page(administrator)
    shown = [(line.label, line.number) for line in page.states]
    assert shown == [("Queued", 1), ("Starting", 0), ("Running", 2), ("Stopping", 1)]
    assert page.live == 4


def test_paused_sandboxes_stand_beside_those_that_run(add_sandbox, operator):
    add_sandbox(State.RUNNING, paused_at=timezone.now())
    add_sandbox(State.RUNNING)
    assert "Running 2 1 of them paused" in words(operator)


def test_sandboxes_made_ahead_are_counted_apart(version, administrator):
    Spare.objects.create(version=version)
    page = capacity_page(administrator)
    assert (page.spares, page.live) == (1, 0)
    assert page.memory.lines[-1].amount == "64 MB"


def test_the_queue_names_trainee_scenario_and_since_when(add_sandbox, operator):
    add_sandbox(State.REQUESTED, ago=timedelta(minutes=3))
    text = words(operator)
    assert "1 waiting" in text
    assert "1 trainee-0 Small 3 min" in text


def test_a_queue_longer_than_shown_says_how_many_more(add_sandbox, administrator, monkeypatch):
    monkeypatch.setattr("range.operations.load.QUEUE_SHOWN", 1)
    for _ in range(3):
        add_sandbox(State.REQUESTED)
    assert capacity_page(administrator).unseen == 2


def test_what_fits_is_told_by_scenario(operator, version):
    # 4096 MB free, 512 MB kept, 64 MB a sandbox.
    assert "Small 64 MB 0 56 more" in words(operator)


def test_a_scenario_without_images_has_no_number(operator, version):
    for state, said in (("PENDING", "Being prepared"), ("FAILED", "Could not be prepared")):
        ScenarioVersion.objects.update(image_state=state)
        text = words(operator)
        assert said in text
        assert "56 more" not in text


def test_a_full_machine_says_none_and_warns(operator, version, monkeypatch):
    set_memory(monkeypatch, total_mb=8192, available_mb=500, kept_mb=512)
    text = words(operator)
    assert "No room for another sandbox of Small" in text
    assert "Small 64 MB 0 None" in text


def test_memory_is_parted_and_the_parts_make_the_whole(add_sandbox, administrator):
    add_sandbox(State.RUNNING)
    add_sandbox(State.REQUESTED)
    view = capacity_page(administrator).memory
    assert [(line.label, line.amount) for line in view.lines] == [
        ("In use now", "4.0 GB"),
        ("Promised", "64 MB"),
        ("Room for sandboxes", "3.4 GB"),
        ("Kept for the host", "512 MB"),
        ("All memory of this machine", "8.0 GB"),
        ("Reserved by sandboxes", "64 MB"),
    ]
    now, limits = view.bars
    assert sum(float(part.width) for part in now.parts) == pytest.approx(100)
    assert [part.start for part in now.parts] == ["0.00", "50.00", "50.78", "93.75"]
    assert "in use now 4.0 GB" in now.label
    assert float(limits.parts[0].width) == pytest.approx(100 * 64 / 8192, abs=0.01)


def test_limits_beyond_the_machine_fill_their_bar_and_no_more(
    add_sandbox, administrator, monkeypatch
):
    set_memory(monkeypatch, total_mb=32, available_mb=16, kept_mb=8)
    add_sandbox(State.RUNNING)
    page = capacity_page(administrator)
    assert page.memory.bars[1].parts[0].width == "100.00"
    assert any("would be missing" in notice.title for notice in page.notices)


def test_a_machine_that_tells_no_memory_shows_no_invented_figure(operator, version, monkeypatch):
    set_memory(monkeypatch, total_mb=None, available_mb=None, kept_mb=512)
    text = words(operator)
    assert "does not tell how much memory" in text
    assert "Small 64 MB 0 unknown" in text


def test_two_places_on_one_disk_say_so(administrator):
    images, recordings = capacity_page(administrator).places
    assert (images.shares, recordings.shares) == (False, True)
    assert images.free.endswith("B")
    assert 0 <= images.used_share <= 1


def test_a_place_elsewhere_has_no_figure(administrator, operator, monkeypatch):
    monkeypatch.setattr(room, "disks", lambda: (Disk(place="images", folder=None),))
    assert capacity_page(administrator).places[0].bar is None
    assert "docker info names it" in words(operator)


def test_launches_are_told_in_seconds_and_failures_with_what_they_mean(add_sandbox, operator):
    for seconds in (1.0, 2.0, 3.0):
        add_sandbox(State.RUNNING, seconds=seconds)
    add_sandbox(State.FAILED, reason="deadline")
    text = words(operator)
    assert "3 started" in text
    assert "1 failed" in text
    assert "2.00 s 2.90 s" in text
    assert "RANGE_LAUNCH_DEADLINE_SECONDS" in text
    assert "RANGE_LAUNCH_CONCURRENCY" in text


def test_refused_launches_stand_under_their_reasons(operator, version, trainee):
    Refusal.objects.create(trainee=trainee, version=version, reason="capacity")
    Refusal.objects.create(
        trainee=trainee, version=version, reason="quota", at=timezone.now() - timedelta(days=2)
    )
    text = words(operator)
    assert "There was not enough memory for another sandbox." in text
    assert "RANGE_SANDBOXES_PER_TRAINEE" not in text


def test_troubles_of_machines_stand_under_their_reasons_and_the_newest_first(operator, add_sandbox):
    befallen = add_sandbox(State.RUNNING), add_sandbox(State.RUNNING)
    for sandbox, kind, reason in (
        (befallen[0], "machine_died", "out-of-memory"),
        (befallen[1], "machine_died", "ended"),
        (befallen[1], "disk_full", "disk-full"),
    ):
        payload = {"machine": "box", "reason": reason}
        record(sandbox.attempt_id, kind=f"sandbox.{kind}", actor="range", payload=payload)
    text = words(operator)
    assert "3 of machines" in text
    assert "A machine ended because it ran out of memory. out-of-memory" in text
    assert "A machine ended by itself, or somebody inside ended it. ended" in text
    newest = text.partition("What happened")[2]
    assert newest.index("A machine was stopped") < newest.index("it ran out of memory")
    assert "trainee-1 Small box A machine was stopped: its disk is full" in newest


def test_the_newest_troubles_lead_to_attempts_of_the_viewers_school_alone(
    operator, add_sandbox, person, exercise
):
    elsewhere = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    stranger = person("stranger", elsewhere, Membership.Role.TRAINEE)
    near, far = add_sandbox(State.RUNNING), add_sandbox(State.RUNNING)
    Attempt.objects.filter(pk=far.attempt_id).update(trainee=stranger)
    for sandbox in (near, far):
        record(sandbox.attempt_id, kind="sandbox.lost", actor="range", payload={"reason": "lost"})
    text = operator.get(reverse("capacity")).content.decode()
    assert reverse("replay", args=[near.attempt_id]) in text
    assert "stranger" in text
    assert reverse("replay", args=[far.attempt_id]) not in text


def test_what_was_lost_is_not_counted_as_another_launch(add_sandbox, administrator):
    add_sandbox(State.FAILED, reason="lost", seconds=1.0)
    add_sandbox(State.FAILED, reason="engine")
    page = capacity_page(administrator)
    assert (page.launches.launched, page.launches.failed) == (2, 2)
    assert "2 of the last day's 2 launches went wrong" in page.notices[0].title


def test_roles_are_shown_as_the_supervisor_tells_them(operator, state_dir):
    since = "2020-02-02T02:02:02+00:00"
    roles = [
        RoleStatus(name="web", state=RoleState.RUNNING, since=since),
        RoleStatus(name="checker", state=RoleState.RESTARTING, since="nonsense", restarts=4),
    ]
    status.write(state_dir, roles)
    text = words(operator)
    assert "checker Restarting never 4" in text
    assert "web Running" in text
    assert "Not running: checker" in text


def test_a_supervisor_that_fell_silent_is_not_believed(operator, state_dir, monkeypatch):
    status.write(state_dir, [RoleStatus(name="web", state=RoleState.RUNNING, since="")])
    monkeypatch.setattr(status, "STALE_AFTER", timedelta(0))
    assert "No supervisor watches the roles" in words(operator)


def test_a_hostile_name_stays_text(operator, add_sandbox):
    sandbox = add_sandbox(State.REQUESTED)
    sandbox.attempt.trainee.display_name = "<script>alert(1)</script>"
    sandbox.attempt.trainee.save()
    assert "<script>alert" not in operator.get(reverse("capacity")).content.decode()


def test_many_sandboxes_take_no_more_queries(operator, add_sandbox, django_assert_max_num_queries):
    for state in (State.REQUESTED, State.RUNNING, State.FAILED) * 4:
        add_sandbox(state, reason="engine")
    with django_assert_max_num_queries(23):
        operator.get(reverse("capacity-panel"))


@pytest.mark.parametrize(
    ("megabytes", "text"),
    [(0, "0 MB"), (1023, "1023 MB"), (1024, "1.0 GB"), (24105, "23.5 GB")],
)
def test_memory_is_written_with_its_unit(megabytes, text):
    assert memory_text(megabytes) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0.0 GB"), (73_400_000_000, "73.4 GB"), (2 * 10**12, "2.0 TB")]
)
def test_disk_is_written_with_its_unit(size, text):
    assert disk_text(size) == text


def test_every_place_that_is_measured_has_a_name():
    assert {disk.place for disk in room.disks()} == set(capacity.PLACES)
