"""Finds scenario folders by name, so that every command understands names alike."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from range.lib.errors import RangeError


class NoSuchScenario(RangeError):
    """No folder has that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = get_close_matches(name, known, n=1)
        advice = f" Did you mean {near[0]}?" if near else ""
        super().__init__(
            f"There is no scenario {name!r}; there are {', '.join(known) or 'none'}.{advice}",
            reason="no-such-scenario",
            status=404,
        )


def scenario_folders(root: Path, names: Sequence[str] = ()) -> list[Path]:
    """Return the folders of scenarios, all of them when no name is given.

    Raises:
        NoSuchScenario: A name is no folder with a scenario file.
    """
    found = {path.parent.name: path.parent for path in sorted(root.glob("*/scenario.yaml"))}
    for name in names:
        if name not in found:
            raise NoSuchScenario(name, list(found))
    return [found[name] for name in names] if names else list(found.values())
