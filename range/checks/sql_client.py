"""What speaking to a database means: log in, ask one bounded question, tell refusals apart."""

from typing import Protocol

from range.checks.wire import Wire, WireEnded

# More rows, columns or messages than these end a conversation.
ROWS_LIMIT = 200
COLUMNS_LIMIT = 50
MESSAGES_LIMIT = 1000
MESSAGE_LIMIT_BYTES = 1 << 17

type Row = tuple[str | None, ...]


class Denied(Exception):
    """The server refuses for lack of a right: the login, or the question.

    Args:
        code: As the server gives it.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}"[:200])


class OddLogin(Exception):
    """The server asks for a way to log in that would give the password away, or is not spoken."""


class Client(Protocol):
    """One conversation with a database server."""

    def log_in(self, account: str, password: str, database: str) -> None:
        """Log in.

        Raises:
            Denied: The server refuses.
            OddLogin: It wants a way to log in that is not spoken.
            WireEnded: It is no such server, or has another trouble.
        """
        ...

    def ask(self, query: str) -> list[Row]:
        """Return the rows that a question brings; nothing can be written by it.

        Raises:
            Denied: The account has no right to ask it.
            WireEnded: The question fails, or brings too much.
        """
        ...


def strange(what: str) -> WireEnded:
    """Return the end of a conversation with what is no such server."""
    return WireEnded(f"no database server's answer: {what}")


class Fields:
    """The parts of one message, read from its beginning; none reaches beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            WireEnded: There are fewer.
        """
        end = self._at + count
        if count < 0 or end > len(self._data):
            raise strange("a message that ends early")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, count: int, *, little: bool = False) -> int:
        """Return a whole number of so many bytes.

        Raises:
            WireEnded: There are fewer.
        """
        return int.from_bytes(self.take(count), "little" if little else "big")

    def word(self) -> str:
        """Return a text that ends with a zero byte.

        Raises:
            WireEnded: None does.
        """
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise strange("a text without end")
        word = self.take(end - self._at)
        self._at += 1
        return shown(word)

    def rest(self) -> bytes:
        """Return what is left."""
        return self.take(len(self._data) - self._at)


def shown(data: bytes) -> str:
    """Return bytes of a server as text."""
    return data.decode("utf-8", "replace")


def message_from(wire: Wire, length: int) -> Fields:
    """Return a message's content.

    Raises:
        WireEnded: It is too long, or did not come.
    """
    if not 0 <= length <= MESSAGE_LIMIT_BYTES:
        raise strange(f"a message of {length} bytes")
    return Fields(wire.exactly(length))
