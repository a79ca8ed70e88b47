"""Frames of a console's WebSocket: binary is terminal bytes, text is a small control message."""

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from range.lib.errors import RangeError

MAX_FRAME_BYTES = 64 * 1024
MAX_CONTROL_BYTES = 1024
MAX_MESSAGE_CHARACTERS = 300
SMALLEST_SIDE = 2
LARGEST_SIDE = 500


class Close(IntEnum):
    """Why a socket was closed; a page turns the code into a sentence."""

    NORMAL = 1000
    RESTART = 1012
    MALFORMED = 4400
    REVOKED = 4403
    NOT_FOUND = 4404
    NOT_RUNNING = 4409
    ENDED = 4410
    NOT_OPEN = 4411
    CLOSED = 4412
    TOO_LARGE = 4413
    TOO_MANY = 4429
    FAILED = 4500


# Codes after which the same page may simply try again.
RETRYABLE = frozenset({Close.RESTART, Close.NOT_RUNNING, Close.FAILED})


class Hands(StrEnum):
    """What somebody who looks at a console does with its keys."""

    LOOK = "look"
    ALONG = "along"
    OVER = "over"


class FrameRefused(RangeError):
    """A frame that no client of ours sends; the socket is closed with `code`."""

    def __init__(self, message: str, *, reason: str, code: Close = Close.MALFORMED) -> None:
        super().__init__(message, reason=reason)
        self.code = code


class _Control(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Resize(_Control):
    """The terminal in the page has this many cells; any number is clamped to what we serve."""

    type: Literal["resize"]
    cols: int
    rows: int

    @property
    def clamped(self) -> tuple[int, int]:
        """Return columns and rows inside the served range."""
        return clamp(self.cols), clamp(self.rows)


class Ack(_Control):
    """The page has drawn this many further bytes."""

    type: Literal["ack"]
    bytes: int = Field(ge=0, le=1 << 31)


class Heartbeat(_Control):
    """The page asks whether anybody is there; it is answered in kind."""

    type: Literal["heartbeat"]


class Keys(_Control):
    """Whoever looks wants to type along, take over, or only look."""

    type: Literal["keys"]
    hands: Annotated[Hands, Field(strict=False)]


class Message(_Control):
    """A sentence of whoever looks for the trainee."""

    type: Literal["message"]
    text: str = Field(min_length=1, max_length=MAX_MESSAGE_CHARACTERS)


type Control = Resize | Ack | Heartbeat
type LookControl = Ack | Heartbeat | Keys | Message

_CONTROL: TypeAdapter[Control] = TypeAdapter(Annotated[Control, Field(discriminator="type")])
_LOOK_CONTROL: TypeAdapter[LookControl] = TypeAdapter(
    Annotated[LookControl, Field(discriminator="type")]
)


def clamp(side: int) -> int:
    """Return a number of cells inside the served range."""
    return max(SMALLEST_SIDE, min(LARGEST_SIDE, side))


def parse(text: str) -> Control:
    """Read a control message of the trainee's page.

    Raises:
        FrameRefused: It is too long, no JSON, of an unknown type or of the wrong shape.
    """
    return _read(text, _CONTROL)


def parse_look(text: str) -> LookControl:
    """Read a control message of a page that looks at somebody's console.

    Raises:
        FrameRefused: As for `parse`.
    """
    return _read(text, _LOOK_CONTROL)


def _read[T](text: str, kind: TypeAdapter[T]) -> T:
    if len(text) > MAX_CONTROL_BYTES:
        raise FrameRefused(
            f"A control message holds at most {MAX_CONTROL_BYTES} characters.",
            reason="control-too-large",
            code=Close.TOO_LARGE,
        )
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        raise FrameRefused(
            "A text frame must be a control message that this socket takes.",
            reason="control-malformed",
        ) from error


def check_bytes(data: bytes) -> bytes:
    """Return terminal input unchanged.

    Raises:
        FrameRefused: It is larger than a page of ours ever sends at once.
    """
    if len(data) > MAX_FRAME_BYTES:
        raise FrameRefused(
            f"A frame holds at most {MAX_FRAME_BYTES} bytes; send long pastes in pieces.",
            reason="frame-too-large",
            code=Close.TOO_LARGE,
        )
    return data


def _frame(**fields: object) -> str:
    return orjson.dumps(fields).decode()


def screen_frame(cols: int, rows: int) -> str:
    """Say that the terminal is to be cleared, because the whole screen follows as bytes."""
    return _frame(type="screen", cols=cols, rows=rows)


def size_frame(cols: int, rows: int) -> str:
    """Say how many cells the console has now; every page on it shows that many."""
    return _frame(type="size", cols=cols, rows=rows)


def role_frame(*, answers: bool) -> str:
    """Say whether this page answers the terminal queries of programs; one of them does."""
    return _frame(type="role", answers=answers)


def taken_frame(count: int, *, of: str) -> str:
    """Say how many bytes of what a page typed the console has taken, in all.

    Args:
        of: Names this opening of the console, the only one that can know.
    """
    return _frame(type="taken", bytes=count, of=of)


def notice_frame(text: str, *, level: Literal["info", "warning"] = "info") -> str:
    """Carry a sentence for the person at the console."""
    return _frame(type="notice", level=level, text=text)


def company_frame(people: Iterable[tuple[str, Hands]]) -> str:
    """Say who else is at the console and what each does with its keys."""
    return _frame(
        type="company", people=[{"name": name, "hands": str(hands)} for name, hands in people]
    )


def hands_frame(hands: Hands, *, because: str = "") -> str:
    """Tell a page that looks what it does with the keys now, and why that is not what it asked."""
    return _frame(type="hands", hands=str(hands), because=because)


def message_frame(text: str, *, sender: str) -> str:
    """Carry what somebody wrote to the trainee."""
    return _frame(type="message", text=text, sender=sender)


def tiles_frame(tiles: Iterable[Mapping[str, object]]) -> str:
    """Say what stands on a wall now, in order."""
    return _frame(type="tiles", tiles=list(tiles))


def picture_frame(tile: str, *, cols: int, rows: int, whole: bool) -> str:
    """Say which console of a wall the next binary frame belongs to.

    Args:
        whole: Whether the bytes begin on a cleared terminal instead of going on.
    """
    return _frame(type="picture", tile=tile, cols=cols, rows=rows, whole=whole)


HEARTBEAT = _frame(type="heartbeat")
