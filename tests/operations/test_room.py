"""Memory and disk are read from the machine, never from the engine."""

import json
import shutil

import pytest

from range.operations import load, room
from range.operations.room import Disk, Memory, engine_folder
from range.sandboxes import services
from range.sandboxes.models import Sandbox

State = Sandbox.State


def memory(available_mb, kept_mb=500):
    return Memory(total_mb=8000, available_mb=available_mb, kept_mb=kept_mb)


@pytest.mark.parametrize(
    ("available_mb", "needed_mb", "more"),
    [
        (1500, 250, 4),
        (1500, 1000, 1),
        (1499, 1000, 0),
        (500, 64, 0),
        (400, 64, 0),
        (None, 64, None),
    ],
)
def test_as_many_fit_as_leave_the_host_what_is_kept_for_it(available_mb, needed_mb, more):
    assert memory(available_mb).fits(needed_mb) == more


def test_what_is_promised_to_launches_under_way_is_no_room():
    found = Memory(total_mb=8000, available_mb=1500, kept_mb=500, promised_mb=600)
    assert found.room_mb == 400
    assert found.fits(250) == 1


def test_what_takes_nothing_has_no_number():
    assert memory(1500).fits(0) is None


def test_it_agrees_with_what_admits_launches(monkeypatch, settings, add_sandbox, exercise, trainee):
    settings.RANGE_MEMORY_RESERVE_MB = 500
    for state in (State.REQUESTED, State.STARTING, State.RUNNING):
        add_sandbox(state)
    for available, admitted in ((500 + 3 * 64 - 1, False), (500 + 3 * 64, True)):
        for module in (services, room):
            monkeypatch.setattr(module, "available_mb", lambda found=available: found)
        # Two launches are under way; a third one of 64 MB is asked for.
        found = room.memory(promised_mb=load.load().promised_mb)
        assert (found.fits(64) > 0) is admitted
        if admitted:
            assert services.launch(trainee, exercise)
        else:
            with pytest.raises(services.LaunchRefused):
                services.launch(trainee, exercise)


def test_the_machine_tells_its_memory(settings):
    settings.RANGE_MEMORY_RESERVE_MB = 123
    found = room.memory()
    assert found.total_mb > found.available_mb > found.room_mb
    assert found.kept_mb == 123


def test_disks_are_measured_where_things_lie(state_dir, monkeypatch):
    monkeypatch.setattr(room, "engine_folder", lambda: state_dir)
    (state_dir / "recordings").mkdir()
    images, recordings = room.disks()
    assert (images.place, recordings.place) == ("images", "recordings")
    assert recordings.folder == state_dir / "recordings"
    assert images.device == recordings.device == state_dir.stat().st_dev
    usage = shutil.disk_usage(state_dir)
    # Others write meanwhile.
    assert recordings.used_bytes == pytest.approx(usage.used, rel=0.05)
    assert recordings.free_bytes == pytest.approx(usage.free, rel=0.05)


def test_the_share_in_use_leaves_out_what_nobody_may_use():
    assert Disk(place="images", folder=None, used_bytes=30, free_bytes=70).used_share == 0.3
    assert Disk(place="images", folder=None).used_share == 0


def test_before_the_first_recording_the_folder_above_is_measured(state_dir):
    assert room.disks()[1].folder == state_dir


def test_an_engine_elsewhere_is_unknown_and_no_fault(state_dir, monkeypatch):
    monkeypatch.setattr(room, "engine_folder", lambda: None)
    assert room.disks()[0] == Disk(place="images", folder=None)
    assert not room.disks()[0].known


def test_an_engine_folder_that_is_not_there_is_unknown(state_dir, monkeypatch):
    monkeypatch.setattr(room, "engine_folder", lambda: state_dir / "absent")
    assert not room.disks()[0].known


@pytest.fixture
def engine_settings(tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return tmp_path / "daemon.json"


def test_the_engine_keeps_images_in_its_usual_folder(engine_settings, tmp_path):
    assert engine_folder(engine_settings, tmp_path) == tmp_path
    engine_settings.write_text("{}")
    assert engine_folder(engine_settings, tmp_path) == tmp_path


def test_the_engines_own_settings_may_name_another_folder(engine_settings, tmp_path):
    engine_settings.write_text(json.dumps({"data-root": "/srv/engine"}))
    assert str(engine_folder(engine_settings, tmp_path)) == "/srv/engine"


@pytest.mark.parametrize("content", ["{", "[]", '"text"'])
def test_settings_of_the_engine_that_cannot_be_read_leave_it_unknown(
    engine_settings, tmp_path, content
):
    engine_settings.write_text(content)
    assert engine_folder(engine_settings, tmp_path) is None


def test_an_engine_on_another_machine_has_no_folder_here(engine_settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.5:2376")
    assert engine_folder(engine_settings, tmp_path) is None
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/docker.sock")
    assert engine_folder(engine_settings, tmp_path) == tmp_path
