import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from range.authoring.archive_names import ArchiveRefused
from range.authoring.archives import (
    REPLACED,
    WORKSHOP,
    BuildsRefused,
    export_scenario,
    import_scenario,
    workshop,
)
from range.authoring.skeleton import FolderTaken, new_scenario
from range.catalog.folder import digest_of, list_files
from range.catalog.problems import ScenarioInvalid
from range.catalog.reader import read_scenario
from tests.authoring.archive_sending import ROOM_BYTES, sent
from tests.authoring.hostile_archives import ATTACKS, tarred, zipped

CLONE = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path):
    """A folder of scenarios that is not the one the archives were made in."""
    made = tmp_path / "scenarios"
    made.mkdir()
    return made


@pytest.fixture
def plain(tmp_path):
    """A scenario that brings no Dockerfile."""
    folder = new_scenario(tmp_path / "made", "open-drawer")
    path = folder / "scenario.yaml"
    text = path.read_text()
    build = next(line for line in text.splitlines() if "build:" in line)
    path.write_text(text.replace(build + "\n", "").replace("user: trainee", "user: nobody"))
    (folder / "machines" / "desk" / "Dockerfile").unlink()
    return folder


def exported(folder):
    packed = io.BytesIO()
    export_scenario(folder, packed)
    return packed.getvalue()


def brought(data, root, **options):
    return import_scenario(io.BytesIO(data), root, **options)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def digest(folder):
    return digest_of(folder, list_files(folder))


def nothing_new(root):
    """Tell that nothing but the lock of the workshop is there."""
    found = [path for path in root.rglob("*") if path.is_file()]
    return [path for path in found if path != root / WORKSHOP / "lock"] == []


class TestWhatIsSound:
    def test_what_was_exported_is_imported_to_the_same_content(self, plain, root):
        (plain / "seed").mkdir()
        (plain / "seed" / "tool.sh").write_text("#!/bin/sh\n")
        (plain / "seed" / "tool.sh").chmod(0o755)
        loaded = brought(exported(plain), root)
        assert loaded.digest == digest(plain) == digest(root / "open-drawer")
        assert files_of(root / "open-drawer") == files_of(plain)

    def test_the_same_content_gives_the_same_bytes(self, plain):
        first = exported(plain)
        os.utime(plain / "brief.md", (1, 1))
        assert hashlib.sha256(exported(plain)).digest() == hashlib.sha256(first).digest()

    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    @pytest.mark.parametrize("compress", ["", "gz"])
    def test_every_common_kind_of_tar_is_read(self, plain, root, form, compress):
        long = "knowledge/" + "a" * 90 + ".md"
        (plain / long).write_text((plain / "knowledge" / "permissions.md").read_text())
        (plain / "notes-é.txt").write_text("x" * 1000)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode=f"w:{compress}", format=form) as archive:
            archive.add(plain, arcname="./open-drawer")
        assert brought(packed.getvalue(), root).digest == digest(plain)
        assert files_of(root / "open-drawer") == files_of(plain)

    def test_a_tar_made_by_the_system_is_read(self, plain, root):
        made = subprocess.run(
            ["tar", "-czf", "-", "-C", str(plain.parent), "open-drawer"],
            capture_output=True,
            check=True,
        )
        assert brought(made.stdout, root).digest == digest(plain)

    def test_files_without_a_folder_around_them_are_a_scenario_too(self, plain, root):
        data = zipped([(name, data) for name, data in files_of(plain).items()])
        assert brought(data, root).spec.id == "open-drawer"

    def test_what_systems_leave_in_archives_is_left_out(self, plain, root):
        entries = [(f"x/{name}", data) for name, data in files_of(plain).items()]
        entries += [("__MACOSX/x/._brief.md", b"x"), ("x/.DS_Store", b"x"), ("x/.git/config", b"x")]
        brought(zipped(entries), root)
        assert files_of(root / "open-drawer") == files_of(plain)


class TestWhoMayBringWhat:
    def test_a_dockerfile_is_refused_unless_whoever_runs_the_range_allows_it(self, tmp_path, root):
        data = exported(new_scenario(tmp_path / "made", "open-drawer"))
        with pytest.raises(BuildsRefused, match="--allow-builds"):
            brought(data, root)
        assert nothing_new(root)
        assert brought(data, root, allow_builds=True).spec.machines["desk"].build

    @pytest.mark.parametrize(
        "name",
        ["Dockerfile", "a/dockerfile", "a/DOCKERFILE.dev", "b/x.Dockerfile", "c/Containerfile"],
    )
    def test_attack_a_dockerfile_under_another_name_is_refused(self, plain, root, name):
        data = zipped([*files_of(plain).items(), (name, b"FROM scratch\n")])
        with pytest.raises(BuildsRefused):
            brought(data, root)
        assert nothing_new(root)

    def test_a_scenario_of_the_same_id_is_replaced_only_when_asked_to(self, plain, root):
        brought(exported(plain), root)
        (plain / "brief.md").write_text("# Another brief\n")
        with pytest.raises(FolderTaken, match="--replace"):
            brought(exported(plain), root)
        assert "Another" not in (root / "open-drawer" / "brief.md").read_text()
        brought(exported(plain), root, replace=True)
        assert "Another" in (root / "open-drawer" / "brief.md").read_text()
        assert list((root / WORKSHOP).iterdir()) == [root / WORKSHOP / "lock"]

    def test_a_scenario_that_lint_objects_to_stays_out(self, plain, root):
        path = plain / "scenario.yaml"
        path.write_text(path.read_text().replace("networks: [office]", "networks: [attic]"))
        with pytest.raises(ScenarioInvalid, match="one of the networks office"):
            brought(exported(plain), root)
        assert nothing_new(root)

    def test_what_a_killed_import_left_is_removed_by_the_next(self, plain, root):
        child = os.fork()
        if child == 0:
            with workshop(root) as place:
                (place / "half").write_text("x")
                os.kill(os.getpid(), 9)
        os.waitpid(child, 0)
        assert not nothing_new(root)
        brought(exported(plain), root)
        assert list((root / WORKSHOP).iterdir()) == [root / WORKSHOP / "lock"]

    def test_an_import_that_is_killed_while_it_replaces_loses_nothing(self, plain, root):
        brought(exported(plain), root)
        child = os.fork()
        if child == 0:
            with workshop(root) as place:
                (place / REPLACED).mkdir()
                (root / "open-drawer").rename(place / REPLACED / "open-drawer")
                os.kill(os.getpid(), 9)
        os.waitpid(child, 0)
        assert not (root / "open-drawer").exists()
        with workshop(root):
            pass
        assert digest(root / "open-drawer") == digest(plain)

    def test_other_commands_see_no_scenario_in_the_workshop(self, plain, root, settings, capsys):
        settings.RANGE_SCENARIOS_DIR = root
        brought(exported(plain), root)
        call_command("check_scenarios")
        assert capsys.readouterr().out == "open-drawer: 0 errors, 0 warnings\n"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return tmp_path_factory.mktemp("attacks")


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_attack_a_hostile_archive_is_refused_in_little_room_and_leaves_nothing(room, name):
    make, answer = ATTACKS[name]
    archive, root = room / f"{name}.bin", room / name / "scenarios"
    archive.write_bytes(make())
    found = sent(archive, root)
    print(f"\n{name}: {found['seconds']:.2f} s, {found['bytes'] / 1e6:.1f} MB")
    assert found["bytes"] < ROOM_BYTES
    assert answer in found["told"]
    assert nothing_new(root)
    assert [path.name for path in (room / name).iterdir()] == ["scenarios"]
    archive.unlink()


def test_a_sound_archive_gets_through_in_the_same_room(room, plain):
    archive, root = room / "sound.zip", room / "sound"
    archive.write_bytes(exported(plain))
    assert sent(archive, root)["told"] == "imported"
    assert digest(root / "open-drawer") == digest(plain)


class TestCommands:
    @pytest.fixture(autouse=True)
    def _scenarios(self, root, settings, monkeypatch, tmp_path):
        settings.RANGE_SCENARIOS_DIR = root
        monkeypatch.chdir(tmp_path)

    def test_a_scenario_goes_out_and_comes_in_by_command(self, root, tmp_path, capsys):
        call_command("new_scenario", "open-drawer")
        call_command("export_scenario", "open-drawer")
        archive = tmp_path / "open-drawer-0.1.0.zip"
        assert f"{archive.name} (" in capsys.readouterr().out
        with pytest.raises(CommandError, match="already is"):
            call_command("import_scenario", str(archive), "--allow-builds")
        call_command("import_scenario", str(archive), "--allow-builds", "--replace")
        assert "open-drawer: imported" in capsys.readouterr().out
        assert read_scenario(root / "open-drawer").spec.id == "open-drawer"

    def test_dockerfiles_need_a_word_of_the_operator(self, tmp_path):
        call_command("new_scenario", "open-drawer")
        call_command("export_scenario", "open-drawer", "--to", str(tmp_path / "out.zip"))
        with pytest.raises(CommandError, match="allow-builds"):
            call_command("import_scenario", str(tmp_path / "out.zip"), "--replace")

    def test_nothing_is_written_over(self, tmp_path):
        call_command("new_scenario", "open-drawer")
        (tmp_path / "out.zip").write_text("mine")
        with pytest.raises(CommandError, match="File exists"):
            call_command("export_scenario", "open-drawer", "--to", str(tmp_path / "out.zip"))
        assert (tmp_path / "out.zip").read_text() == "mine"

    def test_a_file_that_is_not_there_is_told(self, tmp_path):
        with pytest.raises(CommandError, match="No such file"):
            call_command("import_scenario", str(tmp_path / "none.zip"))

    def test_an_archive_that_is_refused_is_told(self, tmp_path):
        (tmp_path / "bad.tar.gz").write_bytes(tarred(("../evil", b"x")))
        with pytest.raises(CommandError, match="refused"):
            call_command("import_scenario", str(tmp_path / "bad.tar.gz"))


def as_tar(folder, compress):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=f"w:{compress}", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, arcname="open-drawer-é")
    return packed.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_damage_never_ends_in_anything_but_a_refusal(plain, root, kind):
    made = {"zip": exported, "tar": lambda f: as_tar(f, ""), "tar.gz": lambda f: as_tar(f, "gz")}
    data = made[kind](plain)
    for place in range(0, len(data), max(1, len(data) // 150)):
        damaged = bytes(data[:place]) + bytes([data[place] ^ 0xFF]) + bytes(data[place + 1 :])
        try:
            brought(damaged, root, replace=True)
        except (ArchiveRefused, ScenarioInvalid):
            continue
