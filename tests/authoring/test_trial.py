import os

import pytest

from range.authoring.trial import NotUp, Trial
from range.authoring.trial_disks import bounded, stopped_for_disk, worth_telling
from range.authoring.trial_slot import AlreadyTried, NothingTried, options_for, running, slot, sweep
from range.authoring.trying import lines_of, told
from range.authoring.watching import Watch
from range.catalog.problems import ScenarioInvalid
from range.runtime.driver import LaunchFailed, MachineUsage, SandboxGone
from range.runtime.images import ImageBuildFailed
from tests.authoring.support import ShellDriver, images
from tests.authoring.test_verify import solvable
from tests.catalog.support import write


def two_machines():
    data = solvable()
    data["machines"]["store"] = {"networks": ["lan"], "seed": [{"text": "one", "to": "/srv/one"}]}
    return data


@pytest.fixture
def trial(tmp_path):
    made = Trial(ShellDriver(), write(tmp_path / "small-desk", two_machines()), build=images)
    yield made
    made.stop()


def calls(trial):
    return [each for each in trial.driver.calls if each in ("start", "reset", "stop")]


def outcomes(trial):
    return {each.objective: each.outcome for each in trial.judge()}


def test_it_starts_every_machine_and_tells_how_long_it_took(trial):
    ready = trial.refresh()
    assert ready.machines == ("box", "store")
    assert told(ready).startswith(f"ready in {ready.seconds:.1f} s (started box, store)")
    assert outcomes(trial) == {"enter": "UNMET", "mend": "UNMET"}


def test_only_the_machine_that_differs_starts_anew(trial):
    trial.refresh()
    data = two_machines()
    data["machines"]["store"]["seed"][0]["text"] = "two"
    write(trial.folder, data)
    assert trial.refresh().machines == ("store",)
    assert calls(trial) == ["start", "reset"]
    assert trial.driver.machine(trial.handle, "store").files["/srv/one"].data == b"two"


def test_words_start_nothing_anew_and_are_used_all_the_same(trial):
    trial.refresh()
    data = two_machines()
    data["objectives"][1]["checks"]["all_of"] = [
        {"id": "gone", "kind": "file", "machine": "box", "path": "/etc/way"}
    ]
    write(trial.folder, data)
    assert trial.refresh().machines == ()
    assert calls(trial) == ["start"]
    assert outcomes(trial)["mend"] == "MET"


@pytest.mark.parametrize("change", ["network", "machine", "alias"])
def test_another_network_or_machine_starts_everything_anew(trial, change):
    trial.refresh()
    data = two_machines()
    if change == "network":
        data["networks"]["vault"] = {}
        data["machines"]["store"]["networks"].append("vault")
    elif change == "machine":
        del data["machines"]["store"]
    else:
        data["machines"]["store"]["aliases"] = ["files"]
    write(trial.folder, data)
    trial.refresh()
    assert calls(trial) == ["start", "stop", "start"]
    assert len(list(trial.driver.running())) == 1


def test_what_was_drawn_stays_while_its_author_saves(trial):
    trial.refresh()
    before = dict(trial.values)
    data = two_machines()
    data["title"] = "Another title"
    write(trial.folder, data)
    trial.refresh()
    assert trial.values == before


@pytest.mark.parametrize("way", ["cron", "suid"])
def test_a_choice_may_be_made(tmp_path, way):
    folder = write(tmp_path / "small-desk", solvable())
    trial = Trial(ShellDriver(), folder, build=images, variant={"way": way})
    trial.refresh()
    assert trial.values["way"] == way


def test_a_broken_file_leaves_what_runs_alone(trial):
    trial.refresh()
    (trial.folder / "scenario.yaml").write_text("schema: [")
    with pytest.raises(ScenarioInvalid):
        trial.refresh()
    assert outcomes(trial) == {"enter": "UNMET", "mend": "UNMET"}
    write(trial.folder, two_machines())
    assert trial.refresh().machines == ()


def test_an_error_of_lint_keeps_it_from_starting(tmp_path):
    folder = write(tmp_path / "small-desk", solvable() | {"wrong": {}})
    trial = Trial(ShellDriver(), folder, build=images)
    with pytest.raises(ScenarioInvalid, match="wrong solution"):
        trial.refresh()
    with pytest.raises(NotUp):
        trial.judge()


def test_a_build_that_fails_is_told_and_the_next_save_tries_again(tmp_path):
    broken = [True]

    def build(spec, folder):
        if broken:
            raise ImageBuildFailed("box", "exit 1")
        return images(spec, folder)

    trial = Trial(ShellDriver(), write(tmp_path / "small-desk", solvable()), build=build)
    with pytest.raises(ImageBuildFailed):
        trial.refresh()
    broken.clear()
    assert trial.refresh().machines == ("box",)


def test_a_machine_that_does_not_come_up_is_tried_again_by_the_next_save(trial):
    trial.refresh()
    data = two_machines()
    data["machines"]["store"]["seed"][0]["text"] = "two"
    write(trial.folder, data)
    trial.driver.fail_next("reset", "unhealthy")
    with pytest.raises(LaunchFailed):
        trial.refresh()
    assert trial.refresh().machines == ("store",)


def test_starting_anew_is_another_attempt(trial):
    trial.refresh()
    trial.solve()
    before = trial.values["flag_enter"]
    assert trial.renew().machines == ("box", "store")
    assert trial.values["flag_enter"] != before
    assert outcomes(trial) == {"enter": "UNMET", "mend": "UNMET"}
    assert len(list(trial.driver.running())) == 1


def test_the_reference_meets_every_objective(trial):
    trial.refresh()
    trial.solve()
    assert outcomes(trial) == {"enter": "MET", "mend": "MET"}


def test_a_flag_is_handed_in_by_its_text_alone(trial):
    trial.refresh()
    assert trial.hand_in("FLAG{WRONG}") == []
    assert outcomes(trial)["enter"] == "UNMET"
    assert trial.hand_in(f" {trial.values['flag_enter']} ") == ["enter"]
    assert outcomes(trial)["enter"] == "MET"


def test_judgements_are_told_a_line_each(trial):
    trial.refresh()
    lines = [line for each in trial.judge() for line in lines_of(each)]
    assert lines[0].split() == ["UNMET", "enter"]
    assert lines[1].split() == ["unmet", "flag:", "not-submitted"]


class Drivers:
    """One in-memory driver for each installation, as an engine tells them apart by label."""

    def __init__(self):
        self.made = {}

    def __call__(self, options):
        return self.made.setdefault(options.installation, ShellDriver())


def started(driver, folder):
    trial = Trial(driver, write(folder, solvable()), build=images)
    trial.refresh()
    return trial


def test_nothing_is_left_after_a_trial_however_it_ends(tmp_path):
    drivers = Drivers()

    def fail():
        with slot(tmp_path, "small-desk", drivers) as driver:
            started(driver, tmp_path / "small-desk")
            assert len(list(driver.running())) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(drivers(options_for("small-desk")).running()) == []


def test_one_scenario_is_tried_once_at_a_time(tmp_path):
    drivers = Drivers()
    with slot(tmp_path, "small-desk", drivers):
        with pytest.raises(AlreadyTried), slot(tmp_path, "small-desk", drivers):
            pass
        with slot(tmp_path, "other-desk", drivers):
            pass
    with slot(tmp_path, "small-desk", drivers):
        pass


def test_what_a_killed_trial_left_is_swept_by_the_next_of_any_scenario(tmp_path):
    drivers = Drivers()
    child = os.fork()
    if child == 0:  # A process that is killed: its lock goes, its note stays.
        with slot(tmp_path, "small-desk", drivers):
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    left = drivers(options_for("small-desk"))
    started(left, tmp_path / "small-desk")
    with slot(tmp_path, "other-desk", drivers):
        assert list(left.running()) == []
    assert sweep(tmp_path, drivers) == []


def test_a_sweep_leaves_alone_what_somebody_still_tries(tmp_path):
    drivers = Drivers()
    with slot(tmp_path, "small-desk", drivers) as driver:
        started(driver, tmp_path / "small-desk")
        with slot(tmp_path, "other-desk", drivers):
            assert len(list(driver.running())) == 1
        assert running("small-desk", drivers)[0] is driver
    with pytest.raises(NothingTried, match="try_scenario small-desk"):
        running("small-desk", drivers)


def test_changes_are_noticed_once_they_rest(tmp_path):
    folder = write(tmp_path / "small-desk")
    watch = Watch(folder)
    assert watch.changed() == []
    (folder / "brief.md").write_text("# Other words\n")
    (folder / "seed" / "new").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "index").write_text("x")
    (folder / "brief.md~").write_text("x")
    assert watch.changed() == ["brief.md", "seed/new"]
    assert watch.changed() == []
    (folder / "seed" / "new").unlink()
    assert watch.changed() == ["seed/new"]
    (folder / "seed" / "note.j2").chmod(0o755)
    assert watch.changed() == ["seed/note.j2"]


def fill(trial, machine, megabytes):
    trial.driver.machine(trial.handle, machine).usage = MachineUsage(disk_bytes=megabytes << 20)


def test_a_full_disk_ends_its_machine_and_is_told_of_until_it_starts_anew(trial):
    trial.refresh()
    fill(trial, "box", 450)
    assert trial.driver.machine(trial.handle, "box").exited is False
    (low,) = worth_telling(bounded(trial), trial.handle)
    assert (low.machine, low.used_mb, low.limit_mb, low.is_full) == ("box", 450, 512, False)
    fill(trial, "box", 600)
    for _ in range(2):
        (told_of,) = worth_telling(bounded(trial), trial.handle)
        assert (told_of.used_mb, told_of.is_full) == (600, True)
        # What was deleted while held open is gone with the processes that held it.
        fill(trial, "box", 1)
    with pytest.raises(SandboxGone):
        trial.driver.exec(trial.handle, "box", ["true"])
    assert stopped_for_disk(trial.driver, "store") is None
    assert trial.refresh().machines == ("box",)
    assert bounded(trial) == {}
    assert trial.driver.machine(trial.handle, "box").exited is False
