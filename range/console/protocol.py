"""Frames of a console's WebSocket: binary is terminal bytes, text is a small control message."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

import orjson

from range.lib.errors import RangeError

MAX_FRAME_BYTES = 64 * 1024
MAX_CONTROL_BYTES = 1024
MAX_MESSAGE_CHARACTERS = 300
MAX_ACK_BYTES = 1 << 31
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


_HANDS = frozenset(map(str, Hands))


class FrameRefused(RangeError):
    """A frame that no client of ours sends; the socket is closed with `code`."""

    def __init__(self, message: str, *, reason: str, code: Close = Close.MALFORMED) -> None:
        super().__init__(message, reason=reason)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Resize:
    """The terminal in the page has this many cells; any number is clamped to what we serve."""

    cols: int
    rows: int

    @property
    def clamped(self) -> tuple[int, int]:
        """Return columns and rows inside the served range."""
        return clamp(self.cols), clamp(self.rows)


@dataclass(frozen=True, kw_only=True)
class Ack:
    """The page has drawn this many further bytes."""

    bytes: int


@dataclass(frozen=True)
class Heartbeat:
    """The page asks whether anybody is there; it is answered in kind."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Whoever looks wants to type along, take over, or only look."""

    hands: Hands


@dataclass(frozen=True, kw_only=True)
class Message:
    """A sentence of whoever looks for the trainee."""

    text: str


type Control = Resize | Ack | Heartbeat
type LookControl = Ack | Heartbeat | Keys | Message


def clamp(side: int) -> int:
    """Return a number of cells inside the served range."""
    return max(SMALLEST_SIDE, min(LARGEST_SIDE, side))


def parse(text: str) -> Control:
    """Read a control message of the trainee's page.

    Raises:
        FrameRefused: It is too long, no JSON, of an unknown type or of the wrong shape.
    """
    match _fields(text):
        case {"type": "resize", "cols": cols, "rows": rows, **more} if not more:
            return Resize(cols=_whole(cols), rows=_whole(rows))
        case fields:
            return _of_any_page(fields)


def parse_look(text: str) -> LookControl:
    """Read a control message of a page that looks at somebody's console.

    Raises:
        FrameRefused: As for `parse`.
    """
    match _fields(text):
        case {"type": "keys", "hands": str(hands), **more} if hands in _HANDS and not more:
            return Keys(hands=Hands(hands))
        case {"type": "message", "text": str(said), **more} if not more:
            if not 0 < len(said) <= MAX_MESSAGE_CHARACTERS:
                raise _malformed()
            return Message(text=said)
        case fields:
            return _of_any_page(fields)


# Read by hand: what reads a scenario's schema would be a tenth of the console role's memory.
def _fields(text: str) -> object:
    if len(text) > MAX_CONTROL_BYTES:
        raise FrameRefused(
            f"A control message holds at most {MAX_CONTROL_BYTES} characters.",
            reason="control-too-large",
            code=Close.TOO_LARGE,
        )
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _malformed() from error


def _of_any_page(fields: object) -> Ack | Heartbeat:
    match fields:
        case {"type": "ack", "bytes": count, **more} if not more:
            if not 0 <= _whole(count) <= MAX_ACK_BYTES:
                raise _malformed()
            return Ack(bytes=count)
        case {"type": "heartbeat", **more} if not more:
            return Heartbeat()
    raise _malformed()


def _whole(value: object) -> int:
    # True is a number in Python, but no page says so.
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed()
    return value


def _malformed() -> FrameRefused:
    return FrameRefused(
        "A text frame must be a control message that this socket takes.",
        reason="control-malformed",
    )


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
