from datetime import timedelta
from uuid import uuid4

import pytest

from range.catalog.reader import read_scenario
from range.catalog.rendering import rendered
from range.catalog.topology_builder import TopologyInvalid, asset_bytes, build_topology
from range.catalog.variables import draw
from tests.catalog.support import changed, write

IMAGES = {"box": "range/small-desk-box:1"}


def build(loaded, *, images=IMAGES, assets=None, epoch=1, **chosen):
    attempt = uuid4()
    values = draw(loaded.spec, b"s", attempt, epoch=epoch) | {"way": "suid"} | chosen
    topology = build_topology(
        rendered(loaded.spec, values),
        assets=loaded.assets if assets is None else assets,
        images=images,
        values=values,
    )
    return topology, values, attempt


def test_a_machine_is_built_as_written(loaded):
    topology, _, _ = build(loaded)
    box = topology.machine("box")
    assert (box.image, box.networks, box.console.user) == (IMAGES["box"], ("lan",), "trainee")
    assert box.allow_privilege_gain
    assert not box.stronger_runtime
    assert box.add_capabilities == frozenset()
    assert box.limits.memory_mb == 256
    assert box.health.kind == "command"
    assert box.health.target == "test\0-f\0/srv/note"
    assert box.health.within == timedelta(seconds=5)
    # Nothing of the attempt: what is made ahead must serve any of them.
    assert set(topology.labels) == {"scenario"}
    assert [network.name for network in topology.networks] == ["lan"]


def test_seeds_hold_the_attempts_own_content(loaded):
    topology, values, _ = build(loaded)
    note, password = topology.machine("box").files
    assert note.data == f"{values['flag_enter']}\n".encode()
    assert (note.path, note.mode, note.uid) == ("/srv/note", 0o600, 0)
    assert (password.data, password.uid, password.gid) == (
        str(values["password"]).encode(),
        1000,
        1000,
    )


def test_secrets_stand_in_files_only(loaded):
    topology, values, _ = build(loaded)
    box = topology.machine("box")
    everything_else = f"{box.environment} {box.setup} {topology.labels} {box!r}"
    for name in ("flag_enter", "password"):
        assert str(values[name]) not in everything_else


def test_setup_is_chosen_and_filled_in(loaded):
    suid, _, _ = build(loaded, colour="red")
    cron, _, _ = build(loaded, way="cron", colour="red")
    assert suid.machine("box").setup == (("touch", "/srv/red"), ("id",))
    assert cron.machine("box").setup == (("touch", "/srv/red"),)


def test_nothing_of_the_solution_is_placed(loaded):
    topology, _, _ = build(loaded)
    placed = b"".join(seed.data for seed in topology.machine("box").files)
    assert b"rm -f" not in placed


@pytest.mark.parametrize(
    ("owner", "ids"),
    [("1001", (1001, 1001)), ("5:6", (5, 6)), ("www-data", (33, 33)), (1002, (1002, 1002))],
)
def test_owners_are_numbers_in_the_end(tmp_path, owner, ids):
    data = changed()
    data["machines"]["box"]["seed"][0]["owner"] = owner
    topology, _, _ = build(read_scenario(write(tmp_path / "s", data)))
    seed = topology.machine("box").files[0]
    assert (seed.uid, seed.gid) == ids


@pytest.mark.parametrize(
    ("healthy", "kind", "target"),
    [({"tcp": 22}, "tcp", "22"), ({"http": "http://127.0.0.1/x"}, "http", "http://127.0.0.1/x")],
)
def test_health_is_asked_as_written(tmp_path, healthy, kind, target):
    data = changed()
    data["machines"]["box"]["healthy"] = healthy
    topology, _, _ = build(read_scenario(write(tmp_path / "s", data)))
    health = topology.machine("box").health
    assert (health.kind, health.target) == (kind, target)


def test_a_missing_image_or_file_says_so(loaded):
    with pytest.raises(TopologyInvalid, match="box has not been built"):
        build(loaded, images={})
    with pytest.raises(TopologyInvalid, match=r"seed/note\.j2"):
        build(loaded, assets={})


def test_stored_files_are_text_or_base64():
    assert asset_bytes({"a": {"text": "x"}}, "a") == b"x"
    assert asset_bytes({"a": {"base64": "AAE="}}, "a") == b"\x00\x01"
    for broken in ({"a": {"base64": "%%"}}, {"a": {}}, {"a": "x"}):
        with pytest.raises(TopologyInvalid):
            asset_bytes(broken, "a")


def test_binary_files_survive_storage(tmp_path):
    data = changed()
    data["machines"]["box"]["seed"][0] = {"file": "seed/blob", "to": "/blob"}
    folder = write(tmp_path / "s", data)
    (folder / "seed" / "blob").write_bytes(b"\x00\xff\xfe")
    topology, _, _ = build(read_scenario(folder))
    assert topology.machine("box").files[0].data == b"\x00\xff\xfe"
