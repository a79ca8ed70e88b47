"""What a tamper is: a task that is not done, a deceit, and the proof that the deceit works."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from range.checks.base import Happening, TypedCommand


@dataclass(frozen=True, kw_only=True)
class Tamper:
    """One deceit.

    Args:
        run: Carried out as root of the box, in bash.
        aside: Carried out as root of the trainee's other machine.
        bites: Ends with 0 where the deceit works: it takes a person in, or makes what was asked
            for hold for some and not for others. Carried out after `run`.
        bites_on: The machine on which that is tried; `third` belongs to nobody.
        commands: What the transcript holds then.
        handed_in: Text handed in for the check.
        pause_seconds: Between two rounds of judging.
    """

    name: str
    run: str = ""
    aside: str = ""
    bites: str = "true"
    bites_on: str = "box"
    commands: tuple[TypedCommand, ...] = ()
    happened: tuple[Happening, ...] = ()
    handed_in: str | None = None
    pause_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """A check, a machine on which what it asks for is not so, and deceits.

    Args:
        check: As in a scenario's file.
        broken: Makes the box as a trainee finds it, in bash, as root.
        solved: What an honest trainee does; without it the check is supporting.
        commands: What the transcript holds of honest work.
        image: Folder beside this file that the machines are built from; the base image without.
    """

    name: str
    check: Mapping[str, Any]
    tampers: tuple[Tamper, ...]
    broken: str = ""
    solved: str = ""
    commands: tuple[TypedCommand, ...] = ()
    happened: tuple[Happening, ...] = ()
    handed_in: str | None = None
    assets: Mapping[str, bytes] | None = None
    image: str = ""

    @property
    def kind(self) -> str:
        """Kind of the check."""
        return str(self.check["kind"])
