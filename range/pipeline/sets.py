"""Which parameter set is in use, and every set that ever was: of the project or fitted here."""

import json
import re
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from range.lib.errors import RangeError
from range.pipeline.parameters import PARAMETER_SETS, ParameterSet

FOLDER = "parameter-sets"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,15}")


class ParameterSetMissing(RangeError):
    """There is no such parameter set; the message says which there are."""

    def __init__(self, name: str) -> None:
        known = ", ".join(sorted({*PARAMETER_SETS, *(each.stem for each in _files())}))
        super().__init__(
            f"There is no parameter set {name}. There are: {known}.",
            reason="parameter-set",
            status=500,
        )


class ParameterSetRefused(RangeError):
    """The set was not kept; the message says why."""


def current() -> ParameterSet:
    """Return the set that new estimates are made with: RANGE_PARAMETER_SET.

    Raises:
        ParameterSetMissing: The setting names none.
    """
    return named(settings.RANGE_PARAMETER_SET)


def named(name: str) -> ParameterSet:
    """Return a set by its name.

    Raises:
        ParameterSetMissing: There is none.
    """
    if name in PARAMETER_SETS:
        return PARAMETER_SETS[name]
    path = _folder() / f"{name}.json"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise ParameterSetMissing(name)
    return _read(path)


def keep(parameters: ParameterSet, *, report: dict[str, object]) -> Path:
    """Keep a fitted set for good, with how it was fitted.

    Raises:
        ParameterSetRefused: The name is taken or none; a published set is never edited.
    """
    path = _folder() / f"{parameters.name}.json"
    if not _NAME.fullmatch(parameters.name):
        raise ParameterSetRefused(
            "A set's name has up to 16 lower-case letters, digits, dots and dashes.",
            reason="parameter-set-name",
        )
    if parameters.name in PARAMETER_SETS or path.exists():
        raise ParameterSetRefused(
            f"There is a set {parameters.name} already, and sets are never edited. Choose another "
            "name.",
            reason="parameter-set-taken",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"parameters": asdict(parameters), "fit": report}, indent=1))
    new.replace(path)
    return path


def _folder() -> Path:
    return Path(settings.RANGE_STATE_DIR) / FOLDER


def _files() -> list[Path]:
    return list(_folder().glob("*.json"))


@lru_cache(maxsize=32)
def _read(path: Path) -> ParameterSet:
    fields = json.loads(path.read_text())["parameters"]
    fields["difficulty_steps"] = tuple(fields["difficulty_steps"])
    fields["difficulties"] = tuple((item, b, sd) for item, b, sd in fields["difficulties"])
    return ParameterSet(**fields)
