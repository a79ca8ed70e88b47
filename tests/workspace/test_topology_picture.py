"""The picture of machines and networks on a scenario's page."""

import pytest

from range.workspace.presenters.topology import (
    BOX_HEIGHT,
    BOX_WIDTH,
    MachineSketch,
    describe,
    draw,
)


def machine(name, *networks, console=False):
    return MachineSketch(name=name, networks=networks, has_console=console)


CLINIC = [
    machine("portal", "front", "records"),
    machine("desk", "front", console=True),
    machine("store", "records"),
]


def test_every_machine_and_network_is_drawn_once():
    picture = draw(CLINIC, ["front", "records"])
    assert sorted(box.name for box in picture.boxes) == ["desk", "portal", "store"]
    assert [lane.name for lane in picture.lanes] == ["front", "records"]
    assert len(picture.wires) == 4


def test_no_box_lies_over_another():
    boxes = draw(CLINIC, ["front", "records"]).boxes
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
            assert apart, (one.name, other.name)


def test_no_wire_runs_through_a_box_that_is_not_its_own():
    machines = [machine(f"m{n}", *"abc"[: n % 3 + 1]) for n in range(6)]
    picture = draw(machines, ["a", "b", "c"])
    for wire in picture.wires:
        low, high = sorted((wire.y1, wire.y2))
        for box in picture.boxes:
            if box.middle == wire.x:
                continue
            crosses = box.x < wire.x < box.x + BOX_WIDTH
            assert not (crosses and low < box.y + BOX_HEIGHT and high > box.y)


def test_everything_lies_inside_the_picture():
    picture = draw(CLINIC, ["front", "records"])
    assert all(box.x >= 0 and box.x + BOX_WIDTH <= picture.width for box in picture.boxes)
    assert all(box.y + BOX_HEIGHT <= picture.height for box in picture.boxes)
    assert all(0 < lane.y < picture.height for lane in picture.lanes)


def test_a_long_name_is_cut_and_kept_whole_beside_it():
    (box,) = draw([machine("records-database-replica", "lan")], ["lan"]).boxes
    assert box.label == "records-databa…"
    assert box.name == "records-database-replica"


@pytest.mark.parametrize("machines", [[], [machine("alone")]])
def test_nothing_to_join_still_gives_a_picture(machines):
    picture = draw(machines, ["lan"])
    assert picture.width > 0
    assert len(picture.boxes) == len(machines)


def test_the_description_says_what_the_picture_shows():
    words = describe(CLINIC, ["front", "records"])
    assert words == (
        "Network front joins portal and desk. Network records joins portal and store. "
        "You have a console on desk."
    )
