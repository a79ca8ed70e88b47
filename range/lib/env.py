"""Reads settings from the environment and refuses names and values that make no sense."""

import os
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from range.lib.errors import RangeError

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
SWITCH = "RANGE_RUNTIME_ENV"


class EnvError(RangeError):
    """A setting is missing, unknown or nonsense; the message names it and what it should be."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="setting", status=500)


class Env:
    """A strict view of the environment that remembers every name it was asked for.

    Args:
        source: Names and values; the process's own environment when None.
    """

    def __init__(self, source: Mapping[str, str] | None = None) -> None:
        self._source: Mapping[str, str] = os.environ if source is None else source
        self._known: set[str] = set()

    @property
    def known(self) -> frozenset[str]:
        """Every name asked for so far, files of secrets included."""
        return frozenset(self._known)

    def text(
        self, name: str, default: str | None = None, *, choices: Sequence[str] | None = None
    ) -> str:
        """Return a string.

        Raises:
            EnvError: It is missing without a default, or not among `choices`.
        """
        value = self._take(name, default, _same, "a text")
        if choices is not None and value not in choices:
            raise EnvError(f"{name} must be one of {', '.join(choices)}; it is {value!r}.")
        return value

    def boolean(self, name: str, default: bool | None = None) -> bool:
        """Return a yes or no.

        Raises:
            EnvError: It is missing without a default, or neither yes nor no.
        """
        return self._take(name, default, _boolean, "true or false")

    def integer(
        self,
        name: str,
        default: int | None = None,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> int:
        """Return a whole number.

        Raises:
            EnvError: It is missing without a default, no whole number, or out of bounds.
        """
        value = self._take(name, default, int, "a whole number")
        return int(self._bounded(name, value, minimum, maximum))

    def number(
        self,
        name: str,
        default: float | None = None,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> float:
        """Return a finite number.

        Raises:
            EnvError: It is missing without a default, no finite number, or out of bounds.
        """
        value = self._take(name, default, _finite, "a number")
        return self._bounded(name, value, minimum, maximum)

    def path(self, name: str, default: Path | None = None) -> Path:
        """Return an absolute path.

        Raises:
            EnvError: It is missing without a default, or relative.
        """
        return self._take(name, default, _absolute, "an absolute path")

    def listing(self, name: str, default: Sequence[str] | None = None) -> list[str]:
        """Return the comma-separated parts, without blanks and empty parts.

        Raises:
            EnvError: It is missing without a default.
        """
        return self._take(name, None if default is None else list(default), _parts, "a list")

    def secret(self, name: str, default: str | Callable[[], str] | None = None) -> str:
        """Return a secret from `NAME`, from the file that `NAME_FILE` names, or the default.

        Args:
            default: A callable is asked only when neither name is set.

        Raises:
            EnvError: Both are set, the file cannot be read, or nothing is set and no default.
        """
        file_name = f"{name}_FILE"
        self._known |= {name, file_name}
        value, file = self._source.get(name), self._source.get(file_name)
        if value is not None and file is not None:
            raise EnvError(f"Set {name} or {file_name}, not both.")
        if file is not None:
            return _read_secret(file_name, Path(file))
        if value:
            return value
        if value == "" or default is None:
            raise EnvError(f"{name} must hold a secret, or {file_name} the path of a file with it.")
        return default() if callable(default) else default

    def refuse_unknown(self, *prefixes: str) -> None:
        """Refuse names under `prefixes` that nobody asked for: they are misspelt or retired.

        Raises:
            EnvError: At least one such name is set; the message offers the nearest known one.
        """
        strangers = sorted(
            name for name in self._source if name.startswith(prefixes) and name not in self._known
        )
        if strangers:
            raise EnvError(" ".join(self._stranger(name) for name in strangers))

    def _stranger(self, name: str) -> str:
        near = get_close_matches(name, self._known, n=1)
        hint = f"did you mean {near[0]}?" if near else "remove it, or see .env.example."
        return f"{name} is not a setting: {hint}"

    def _take[T](
        self, name: str, default: T | None, convert: Callable[[str], T], expected: str
    ) -> T:
        self._known.add(name)
        raw = self._source.get(name)
        if raw is None:
            if default is None:
                raise EnvError(f"{name} is not set; it must be {expected}.")
            return default
        try:
            return convert(raw.strip())
        except ValueError:
            raise EnvError(f"{name} must be {expected}; it is {raw!r}.") from None

    @staticmethod
    def _bounded(name: str, value: float, minimum: float | None, maximum: float | None) -> float:
        if minimum is not None and value < minimum:
            raise EnvError(f"{name} must be at least {minimum}; it is {value}.")
        if maximum is not None and value > maximum:
            raise EnvError(f"{name} must be at most {maximum}; it is {value}.")
        return value


def _same(raw: str) -> str:
    return raw


def _boolean(raw: str) -> bool:
    lowered = raw.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError(raw)


def _finite(raw: str) -> float:
    value = float(raw)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(raw)
    return value


def _absolute(raw: str) -> Path:
    path = Path(raw)
    if not path.is_absolute():
        raise ValueError(raw)
    return path


def _parts(raw: str) -> list[str]:
    return [part.strip() for part in raw.split(",") if part.strip()]


def _read_secret(name: str, path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EnvError(f"{name} names {path}, which cannot be read: {error}.") from error
    if not value:
        raise EnvError(f"{name} names {path}, which is empty.")
    return value


def defaults_file(path: Path) -> dict[str, str]:
    """Return the environment over the `NAME=value` lines of a file.

    A file that is missing or closed to this user adds nothing: the supervisor hands its roles
    what they may know. Setting RANGE_RUNTIME_ENV to an empty value ignores the file.

    Raises:
        EnvError: A line is no `NAME=value`.
    """
    given = dict(os.environ)
    if given.pop(SWITCH, None) == "":
        return given
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return given
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator or not name.strip().isidentifier():
            raise EnvError(f"{path}, line {number}, must read NAME=value.")
        given.setdefault(name.strip(), value.strip())
    return given
