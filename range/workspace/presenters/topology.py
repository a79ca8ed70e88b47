"""Places a scenario's machines and networks on a plane, for the picture on its page."""

from collections.abc import Sequence
from dataclasses import dataclass

COLUMN_WIDTH = 164
ROW_HEIGHT = 128
BOX_WIDTH = 136
BOX_HEIGHT = 52
MARGIN = 16
LANE_TOP = 16
# What a network's name takes to the right of its line.
LABEL_WIDTH = 150
BOX_TOP = 30
NAME_LIMIT = 15


@dataclass(frozen=True, kw_only=True)
class MachineSketch:
    """What the picture needs of one machine that trainees may see."""

    name: str
    networks: tuple[str, ...]
    has_console: bool


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A network, drawn as a horizontal line."""

    name: str
    x1: int
    x2: int
    y: int


@dataclass(frozen=True, kw_only=True)
class Wire:
    """What ties a machine to a network, drawn as a vertical line ending in a joint."""

    x: int
    y1: int
    y2: int


@dataclass(frozen=True, kw_only=True)
class Box:
    """A machine."""

    name: str
    label: str
    note: str
    x: int
    y: int
    has_console: bool

    @property
    def middle(self) -> int:
        """Return the horizontal middle, where the words are centred."""
        return self.x + BOX_WIDTH // 2

    @property
    def name_y(self) -> int:
        """Return the base line of the name."""
        return self.y + 23

    @property
    def note_y(self) -> int:
        """Return the base line of the note below the name."""
        return self.y + 40


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything the template draws, in pixels, and a sentence that says the same."""

    width: int
    height: int
    lanes: tuple[Lane, ...]
    wires: tuple[Wire, ...]
    boxes: tuple[Box, ...]
    description: str
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


def draw(machines: Sequence[MachineSketch], networks: Sequence[str]) -> Picture:
    """Lay out machines below the first of their networks, each in a column of its own.

    A column of its own keeps every wire clear of every box, however many networks a machine
    joins.
    """
    rows = {name: index for index, name in enumerate(networks)}
    ordered = sorted(
        machines, key=lambda machine: (_top_row(machine, rows), -len(machine.networks))
    )
    boxes = tuple(_box(machine, column, rows) for column, machine in enumerate(ordered))
    wires = tuple(
        _wire(box, rows[network])
        for box, machine in zip(boxes, ordered, strict=True)
        for network in machine.networks
        if network in rows
    )
    return Picture(
        width=2 * MARGIN + max(1, len(ordered)) * COLUMN_WIDTH + LABEL_WIDTH,
        height=LANE_TOP + max(1, len(rows)) * ROW_HEIGHT - 20,
        lanes=tuple(_lane(name, row, ordered, networks) for name, row in rows.items()),
        wires=wires,
        boxes=boxes,
        description=describe(ordered, networks),
    )


def describe(machines: Sequence[MachineSketch], networks: Sequence[str]) -> str:
    """Say in words what the picture shows."""
    parts = []
    for network in networks:
        joined = [machine.name for machine in machines if network in machine.networks]
        parts.append(f"Network {network} joins {_listed(joined)}.")
    entered = [machine.name for machine in machines if machine.has_console]
    if entered:
        parts.append(f"You have a console on {_listed(entered)}.")
    return " ".join(parts)


def _top_row(machine: MachineSketch, rows: dict[str, int]) -> int:
    return min((rows[name] for name in machine.networks if name in rows), default=0)


def _lane_y(row: int) -> int:
    return LANE_TOP + row * ROW_HEIGHT


def _column_x(column: int) -> int:
    return MARGIN + column * COLUMN_WIDTH + (COLUMN_WIDTH - BOX_WIDTH) // 2


def _box(machine: MachineSketch, column: int, rows: dict[str, int]) -> Box:
    long = len(machine.name) > NAME_LIMIT
    return Box(
        name=machine.name,
        label=machine.name[: NAME_LIMIT - 1] + "…" if long else machine.name,
        note="your console" if machine.has_console else "target",
        x=_column_x(column),
        y=_lane_y(_top_row(machine, rows)) + BOX_TOP,
        has_console=machine.has_console,
    )


def _wire(box: Box, row: int) -> Wire:
    lane = _lane_y(row)
    edge = box.y if lane < box.y else box.y + BOX_HEIGHT
    return Wire(x=box.middle, y1=edge, y2=lane)


def _lane(name: str, row: int, machines: Sequence[MachineSketch], networks: Sequence[str]) -> Lane:
    columns = [index for index, machine in enumerate(machines) if name in machine.networks]
    first, last = (min(columns), max(columns)) if columns else (0, max(0, len(machines) - 1))
    return Lane(
        name=name,
        x1=_column_x(first),
        x2=_column_x(last) + BOX_WIDTH,
        y=_lane_y(row),
    )


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
