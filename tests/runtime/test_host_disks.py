"""What a machine takes of the host's disk is seen, however it is hidden."""

import os
import time
from datetime import timedelta
from uuid import uuid4

import pytest

from range.runtime import host_disks
from range.runtime.host_disks import LEAST_BYTES, Place
from tests.contracts.rigs import DockerRig, single, soon

MIB = 1 << 20
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees others' files")


@pytest.fixture
def layer(tmp_path):
    (tmp_path / "layer").mkdir()
    return tmp_path / "layer"


@pytest.fixture
def bytes_of(layer):
    place = Place(layer=str(layer), mounted="")
    return lambda: host_disks.taken({"it": place})["it"]


@needs_root
def test_a_file_counts_for_what_it_takes_and_an_empty_one_for_its_place(layer, bytes_of):
    before = bytes_of()
    (layer / "big").write_bytes(os.urandom(MIB))
    assert MIB <= bytes_of() - before <= MIB + 2 * LEAST_BYTES
    for number in range(100):
        (layer / str(number)).touch()
    assert bytes_of() - before >= MIB + 100 * LEAST_BYTES


@needs_root
def test_a_hole_takes_nothing_and_a_second_name_no_more(layer, bytes_of):
    before = bytes_of()
    with (layer / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (layer / "big").write_bytes(os.urandom(MIB))
    for number in range(5):
        (layer / f"again-{number}").hardlink_to(layer / "big")
    assert bytes_of() - before < 2 * MIB


@needs_root
def test_links_are_not_followed(layer, bytes_of, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "big").write_bytes(bytes(MIB))
    before = bytes_of()
    (layer / "link").symlink_to(tmp_path / "elsewhere")
    assert bytes_of() - before <= 2 * LEAST_BYTES


@needs_root
def test_a_folder_that_is_not_here_is_left_out(tmp_path):
    assert host_disks.taken({"it": Place(layer=str(tmp_path / "none"), mounted="")}) == {}


def test_a_disk_that_is_not_here_has_nothing_to_tell(tmp_path):
    assert host_disks.left(str(tmp_path / "none")) is None
    found = host_disks.left(str(tmp_path))
    assert found.free_bytes > 0
    assert found.files > 0


# --- in a real machine, where a trainee hides what they write ---------------------------------

HIDDEN = {
    "in a file that has no name any more": """
import os, time
held = os.open("/held", os.O_CREAT | os.O_RDWR)
os.unlink("/held")
os.write(held, bytes(20 << 20))
print(flush=True)
time.sleep(300)
""",
    "in one that is only mapped": """
import mmap, os, time
held = os.open("/mapped", os.O_CREAT | os.O_RDWR)
os.write(held, bytes(20 << 20))
kept = mmap.mmap(held, 4096)
os.unlink("/mapped")
os.close(held)
print(flush=True)
time.sleep(300)
""",
    "deeper than a path can say": """
import os
os.mkdir("/deep")
os.chdir("/deep")
for _ in range(40):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("big", "wb").write(bytes(20 << 20))
""",
    "in a file that the engine mounts": 'open("/etc/hosts", "ab").write(bytes(20 << 20))',
    "in files that are empty": """
import os
os.mkdir("/many")
for number in range(6000):
    os.close(os.open("/many/%d" % number, os.O_CREAT))
""",
    "in folders": 'import os; [os.makedirs("/folders/%d" % n) for n in range(6000)]',
}


@pytest.fixture(scope="module")
def rig():
    made = DockerRig()
    yield made
    made.close()


@pytest.mark.docker
@needs_root
@pytest.mark.parametrize("program", HIDDEN.values(), ids=HIDDEN)
def test_a_machine_hides_nothing_it_writes(rig, program):
    handle = rig.driver.start(uuid4(), single(), deadline=soon())

    def taken():
        (look,) = [
            each for each in rig.driver.survey(sizes=True) if each.sandbox_id == handle.sandbox_id
        ]
        return look.disk_bytes

    before = taken()
    script = ["sh", "-c", 'setsid python3 -c "$0" >/dev/null 2>&1 &', program]
    rig.driver.exec(handle, "desk", script, timeout=timedelta(seconds=20))
    end = time.monotonic() + 60
    while taken() - before < 20 * MIB:
        assert time.monotonic() < end, f"{taken() - before} bytes are seen"
        time.sleep(0.2)
    assert rig.driver.usage(handle).machines["desk"].disk_bytes >= 20 * MIB
    rig.driver.stop(handle)


@pytest.mark.docker
def test_what_lies_in_memory_is_not_on_the_disk(rig):
    handle = rig.driver.start(uuid4(), single(), deadline=soon())
    for folder in ("/tmp", "/dev/shm"):
        fill = ["sh", "-c", f"head -c 12M /dev/zero > {folder}/fill"]
        assert rig.driver.exec(handle, "desk", fill).exit_code == 0
    assert rig.driver.usage(handle).machines["desk"].disk_bytes < 8 * MIB


@pytest.mark.docker
def test_where_nobody_may_look_the_engine_is_asked(rig, monkeypatch):
    monkeypatch.setattr(host_disks, "taken", lambda places: {})
    handle = rig.driver.start(uuid4(), single(), deadline=soon())
    fill = ["sh", "-c", "head -c 12M /dev/zero > /srv/fill"]
    assert rig.driver.exec(handle, "desk", fill).exit_code == 0
    assert rig.driver.usage(handle).machines["desk"].disk_bytes >= 12 * MIB
